/** Who is ahead, of lions and of users. */

import { lionRanksPath, userRanksPath } from '../api/paths.ts';
import type { Leaderboard, LionRank, UserRank } from '../api/types.ts';
import { useApi } from '../api/use.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Card, Meter, PageHead } from '../components/parts.tsx';
import { Empty, Show, SignInFirst } from '../components/states.tsx';
import { nameOf } from '../lib/health.ts';
import { whole } from '../lib/numbers.ts';
import { asOf, to } from '../state/router.ts';
import { isAdmin, me, signedIn } from '../state/session.ts';

const LIONS: Column<LionRank>[] = [
  { name: 'Rank', number: true, cell: (row) => row.rank },
  { name: 'Lion', header: true, cell: (row) => <a href={to('lions', row.lion_id)}>{nameOf(row)}</a>, by: nameOf },
  { name: 'Mean health', cell: (row) => <Meter value={row.avg_health} />, by: (row) => row.avg_health },
  { name: 'Days', number: true, cell: (row) => whole(row.tracked_days), by: (row) => row.tracked_days },
  { name: 'Most fixes', number: true, cell: (row) => whole(row.max_frequency), by: (row) => row.max_frequency },
];

function userColumns(linked: (id: string) => boolean, highest: number): Column<UserRank>[] {
  const name = (row: UserRank): string => row.username ?? row.user_id;
  return [
    { name: 'Rank', number: true, cell: (row) => row.rank },
    {
      name: 'User',
      header: true,
      cell: (row) => (linked(row.user_id) ? <a href={to('users', row.user_id)}>{name(row)}</a> : name(row)),
      by: name,
    },
    { name: 'Completed', number: true, cell: (row) => whole(row.total_completed), by: (row) => row.total_completed },
    {
      name: 'Engagement',
      cell: (row) => <Meter value={row.avg_engagement} colour="var(--series-2)" max={highest} />,
      by: (row) => row.avg_engagement,
    },
    { name: 'Days', number: true, cell: (row) => whole(row.active_days), by: (row) => row.active_days },
  ];
}

export function LeaderboardsPage() {
  const lions = useApi<Leaderboard<LionRank>>(lionRanksPath(asOf.value));
  const users = useApi<Leaderboard<UserRank>>(signedIn.value ? userRanksPath(asOf.value) : null);
  const linked = (id: string): boolean => isAdmin.value || id === me.value?.user_id;
  return (
    <>
      <PageHead title="Leaderboards">
        The healthiest lions and the busiest users of 30 days: mean scores of 100, days with data, most fixes a day.
      </PageHead>
      <div class="grid">
        <Card title="Lions" hint="By mean health" class="w6">
          <Show of={lions} lines={8}>
            {(body) =>
              body.leaderboard.length ? (
                <DataTable
                  caption="Leaderboard of lions"
                  columns={LIONS}
                  rows={body.leaderboard}
                  keyOf={(row) => row.lion_id}
                  testid="leaderboard-lions"
                />
              ) : (
                <Empty title="No lions in these 30 days" />
              )
            }
          </Show>
        </Card>
        <Card title="Users" hint="By challenges completed" class="w6">
          {signedIn.value ? (
            <Show of={users} lines={8}>
              {(body) =>
                body.leaderboard.length ? (
                  <DataTable
                    caption="Leaderboard of users"
                    columns={userColumns(linked, Math.max(...body.leaderboard.map((row) => row.avg_engagement ?? 0)))}
                    rows={body.leaderboard}
                    keyOf={(row) => row.user_id}
                    testid="leaderboard-users"
                  />
                ) : (
                  <Empty title="No users in these 30 days" />
                )
              }
            </Show>
          ) : (
            <SignInFirst>This list names users, so it takes a token; any role will do.</SignInFirst>
          )}
        </Card>
      </div>
    </>
  );
}
