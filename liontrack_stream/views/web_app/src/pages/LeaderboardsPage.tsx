/** Who is ahead, of lions and of users. */

import type { LionLeaderboardBody, LionRank } from '../api/bodies.ts';
import { lionRanksPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { type Column, TableCard } from '../components/DataTable.tsx';
import { Card, Meter, PageHead } from '../components/parts.tsx';
import { Empty, SignInFirst } from '../components/states.tsx';
import { nameOf } from '../lib/health.ts';
import { whole } from '../lib/numbers.ts';
import { asOf, to } from '../state/router.ts';
import { signedIn } from '../state/session.ts';
import { UserRanks } from './UserRanks.tsx';

const LIONS: Column<LionRank>[] = [
  { name: 'Rank', number: true, cell: (row) => row.rank },
  { name: 'Lion', header: true, cell: (row) => <a href={to('lions', row.lion_id)}>{nameOf(row)}</a>, by: nameOf },
  { name: 'Mean health', cell: (row) => <Meter value={row.avg_health} />, by: (row) => row.avg_health },
  { name: 'Days', number: true, cell: (row) => whole(row.tracked_days), by: (row) => row.tracked_days },
  { name: 'Most fixes', number: true, cell: (row) => whole(row.max_frequency), by: (row) => row.max_frequency },
];

export function LeaderboardsPage() {
  const lions = useApi<LionLeaderboardBody>(lionRanksPath(asOf.value));
  return (
    <>
      <PageHead title="Leaderboards">
        The healthiest lions and the busiest users of 30 days: mean scores of 100, days with data, most fixes a day.
      </PageHead>
      <div class="grid">
        <TableCard
          title="Lions"
          hint="By mean health"
          class="w6"
          caption="Leaderboard of lions"
          of={lions}
          lines={8}
          columns={LIONS}
          rows={(body) => body.leaderboard}
          keyOf={(row) => row.lion_id}
          empty={<Empty title="No lions in these 30 days" />}
          testid="leaderboard-lions"
        />
        {signedIn.value ? (
          <UserRanks title="Users" class="w6" />
        ) : (
          <Card title="Users" class="w6">
            <SignInFirst>This list names users, so it takes a token; any role will do.</SignInFirst>
          </Card>
        )}
      </div>
    </>
  );
}
