/** The busiest users of 30 days; those that the viewer may see are links. */

import type { UserLeaderboardBody, UserRank } from '../api/bodies.ts';
import { userRanksPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { type Column, TableCard } from '../components/DataTable.tsx';
import { Meter } from '../components/parts.tsx';
import { Empty } from '../components/states.tsx';
import { whole } from '../lib/numbers.ts';
import { asOf, to } from '../state/router.ts';
import { isAdmin, me } from '../state/session.ts';

function columns(highest: number): Column<UserRank>[] {
  const name = (row: UserRank): string => row.username ?? row.user_id;
  const linked = (id: string): boolean => isAdmin.value || id === me.value?.user_id;
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

/** For who is signed in: the list names users. */
export function UserRanks({ title, class: size }: { title: string; class?: string }) {
  const users = useApi<UserLeaderboardBody>(userRanksPath(asOf.value));
  return (
    <TableCard
      title={title}
      hint="By challenges completed"
      class={size}
      caption="Leaderboard of users"
      of={users}
      lines={8}
      columns={columns(Math.max(0, ...(users.body?.leaderboard ?? []).map((row) => row.avg_engagement)))}
      rows={(body) => body.leaderboard}
      keyOf={(row) => row.user_id}
      empty={<Empty title="No users in these 30 days" />}
      testid="leaderboard-users"
    />
  );
}
