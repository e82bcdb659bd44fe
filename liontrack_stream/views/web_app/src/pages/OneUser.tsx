/** One user: engagement, 30 days in numbers, challenges. */

import type { ActivitySummaryBody, Challenge, ChallengesBody, EngagementBody } from '../api/bodies.ts';
import { type Listed, usePages } from '../api/pages.ts';
import { activityPath, challengesPath, engagementPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { Chart, fromZero } from '../components/Chart.tsx';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Missing } from '../components/Missing.tsx';
import { Card, Stat, Stats } from '../components/parts.tsx';
import { Empty, Failed, Show } from '../components/states.tsx';
import { longDay } from '../lib/days.ts';
import { decimal, NONE, whole } from '../lib/numbers.ts';
import { asOf } from '../state/router.ts';
import { isAdmin } from '../state/session.ts';
import { UserRanks } from './UserRanks.tsx';

const STATUS: Record<string, { name: string; colour: string }> = {
  completed: { name: 'Completed', colour: 'var(--band-excellent)' },
  in_progress: { name: 'In progress', colour: 'var(--series-2)' },
  pending: { name: 'Pending', colour: 'var(--band-unknown)' },
  abandoned: { name: 'Abandoned', colour: 'var(--band-needs-attention)' },
};

function Status({ status }: { status: string }) {
  const known = STATUS[status];
  return (
    <span class="badge">
      <span class="dot" style={{ '--dot': known?.colour ?? 'var(--band-unknown)' }} />
      {known?.name ?? status}
    </span>
  );
}

const CHALLENGES: Column<Challenge>[] = [
  { name: 'Challenge', header: true, cell: (one) => one.title ?? one.challenge_id, by: (one) => one.title },
  { name: 'Status', cell: (one) => <Status status={one.status} />, by: (one) => one.status },
  { name: 'Age (days)', number: true, cell: (one) => whole(one.age_days), by: (one) => one.age_days },
  { name: 'Created', cell: (one) => (one.created_at ? longDay(one.created_at) : NONE), by: (one) => one.created_at },
  { name: 'Changed', cell: (one) => (one.updated_at ? longDay(one.updated_at) : NONE), by: (one) => one.updated_at },
];

function Stack({ stats }: { stats: ChallengesBody['stats'] }) {
  const pending = Math.max(0, stats.total - stats.completed - stats.in_progress - stats.abandoned);
  const parts = Object.entries({
    completed: stats.completed,
    in_progress: stats.in_progress,
    pending,
    abandoned: stats.abandoned,
  });
  return (
    <>
      <div class="stack" aria-hidden="true">
        {parts.map(
          ([status, count]) =>
            count > 0 && <span key={status} style={{ flex: count, background: STATUS[status]?.colour }} />,
        )}
      </div>
      <ul class="legend after-stack" data-testid="challenge-stats">
        <li>
          All <b>{whole(stats.total)}</b>
        </li>
        {parts.map(([status, count]) => (
          <li key={status}>
            <span class="dot" style={{ '--dot': STATUS[status]?.colour }} />
            {STATUS[status]?.name} <b>{whole(count)}</b>
          </li>
        ))}
      </ul>
    </>
  );
}

function Challenges({ of }: { of: Listed<ChallengesBody> }) {
  const stats = of.body?.stats;
  const challenges = of.bodies.flatMap((body) => body.challenges);
  return (
    <>
      {stats && stats.total > 0 && <Stack stats={stats} />}
      <DataTable
        caption="Challenges"
        columns={CHALLENGES}
        rows={challenges}
        keyOf={(one) => one.challenge_id}
        empty={<Empty title="No challenges yet" />}
        testid="challenges-table"
      />
      <Missing of={of} shown={challenges.length} noun="challenge" />
    </>
  );
}

function History({ body }: { body: EngagementBody }) {
  const days = body.history.toSorted((a, b) => a.activity_date.localeCompare(b.activity_date));
  if (!days.length) return <Empty title="No activity yet" />;
  return (
    <Chart
      title="Engagement score and weighings per day"
      days={days.map((day) => day.activity_date)}
      range={fromZero(days.map((day) => day.engagement_score))}
      series={[
        {
          name: 'Weighings',
          unit: 'a day',
          digits: 0,
          colour: '--series-2',
          kind: 'bars',
          values: days.map((day) => day.weight_entries),
        },
        { name: 'Engagement', unit: 'of 100', colour: '--series-1', values: days.map((day) => day.engagement_score) },
      ]}
      testid="chart-engagement"
    />
  );
}

function Summary({ body, score }: { body: ActivitySummaryBody; score: number | null | undefined }) {
  const { summary } = body;
  return (
    <Stats label="The last 30 days">
      <Stat name="Engagement now" value={decimal(score)} unit="of 100" testid="current-score" />
      <Stat name="Mean, 30 days" value={decimal(summary.avg_engagement)} unit="of 100" testid="avg-engagement" />
      <Stat name="Completed" value={whole(summary.total_completed)} testid="total-completed" />
      <Stat name="In progress" value={whole(summary.total_in_progress)} testid="total-in-progress" />
      <Stat name="Weighings" value={whole(summary.total_weight_entries)} testid="total-weight-entries" />
      <Stat name="Active" value={whole(summary.active_days)} unit="of 30 days" testid="active-days" />
    </Stats>
  );
}

/** Of a user that no event named yet, or none any more: said once, and calmly; with those that there are. */
export function NoUser({ id, own }: { id: string; own: boolean }) {
  return (
    <>
      <section class="card" aria-label={id} data-testid="no-user">
        <Empty title={own ? 'No activity of yours yet' : 'No such user'}>
          {own
            ? `Challenges, weighings and engagement of ${id} show here once the stream has events of this user.`
            : `The stream has no events of ${id}.`}
          {isAdmin.value && ' Choose another user above or below.'}
        </Empty>
      </section>
      <UserRanks title="Leaderboard" />
    </>
  );
}

/** Asks for the summary first: where that is not there, nothing of the user is. */
export function OneUser({ id }: { id: string }) {
  const summary = useApi<ActivitySummaryBody>(activityPath(id, asOf.value), { live: true });
  const there = summary.body !== null;
  const engagement = useApi<EngagementBody>(there ? engagementPath(id, asOf.value) : null, { live: true });
  const challenges = usePages<ChallengesBody>(there ? challengesPath(id, asOf.value) : null, { live: true });
  if (summary.failure && !there)
    return summary.failure.status === 404 ? (
      <NoUser id={id} own={false} />
    ) : (
      <section class="card" aria-label={id}>
        <Failed failure={summary.failure} again={summary.reload} />
      </section>
    );
  return (
    <>
      <Show of={summary}>{(body) => <Summary body={body} score={engagement.body?.current_score} />}</Show>
      <Card title="Engagement" hint="Latest 30 days with activity">
        <Show of={engagement}>{(body) => <History body={body} />}</Show>
      </Card>
      <Card title="Challenges">
        <Show of={challenges}>{() => <Challenges of={challenges} />}</Show>
      </Card>
    </>
  );
}
