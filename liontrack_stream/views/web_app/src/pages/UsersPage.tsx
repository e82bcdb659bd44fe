/** What users do: all of them as numbers; one of them in detail for itself and for admins. */

import type { EngagementsBody, UserLeaderboardBody, UserRank } from '../api/bodies.ts';
import { engagementsPath, userRanksPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { Chart, fromZero } from '../components/Chart.tsx';
import { Card, PageHead } from '../components/parts.tsx';
import { Empty, Show, SignInFirst } from '../components/states.tsx';
import { asOf, place, to } from '../state/router.ts';
import { isAdmin, me, signedIn } from '../state/session.ts';
import { NoUser, OneUser } from './OneUser.tsx';

function Engagement({ body }: { body: EngagementsBody }) {
  if (!body.data.length) return <Empty title="No activity in these 30 days" />;
  return (
    <Chart
      title="Active users and their mean engagement per day"
      days={body.data.map((day) => day.activity_date)}
      range={fromZero(body.data.map((day) => day.avg_engagement))}
      series={[
        {
          name: 'Active users',
          unit: 'a day',
          digits: 0,
          colour: '--series-2',
          kind: 'bars',
          values: body.data.map((day) => day.active_users),
        },
        {
          name: 'Mean engagement',
          unit: 'of 100',
          colour: '--series-1',
          values: body.data.map((day) => day.avg_engagement),
        },
      ]}
      height={220}
      testid="chart-trend-engagement"
    />
  );
}

const NAMED = 100;

/** Lets an admin choose whom to look at. */
function UserPicker({ shown, users }: { shown: string; users: UserRank[] }) {
  const go = (event: Event): void => {
    event.preventDefault();
    const id = new FormData(event.currentTarget as HTMLFormElement).get('user');
    if (typeof id === 'string' && id.trim()) location.hash = to('users', id.trim());
  };
  return (
    <form class="row" onSubmit={go} data-testid="user-picker">
      <label for="user" class="soft small">
        User
      </label>
      <input
        id="user"
        name="user"
        key={shown}
        class="input pick"
        list="users"
        defaultValue={shown}
        autoComplete="off"
      />
      <datalist id="users">
        {users.map((user) => (
          <option key={user.user_id} value={user.user_id}>
            {user.username}
          </option>
        ))}
      </datalist>
      <button type="submit" class="button">
        Show
      </button>
    </form>
  );
}

export function UsersPage() {
  const trend = useApi<EngagementsBody>(engagementsPath(asOf.value));
  const shown = place.value.id ?? me.value?.user_id ?? null;
  const own = shown === me.value?.user_id;
  const users = useApi<UserLeaderboardBody>(signedIn.value ? userRanksPath(asOf.value, NAMED) : null).body?.leaderboard;
  const name = users?.find((user) => user.user_id === shown)?.username ?? shown;
  return (
    <>
      <PageHead title="Users">Challenges, weighings and the engagement score that follows from them.</PageHead>
      <Card title="Engagement of all" hint="30 days">
        <Show of={trend}>{(body) => <Engagement body={body} />}</Show>
      </Card>
      {signedIn.value && shown !== null ? (
        <>
          <div class="page-head">
            <h2 class="big break" data-testid="shown-user">
              {own ? `You (${name})` : name}
              {name !== shown && <small class="soft small mono"> {shown}</small>}
            </h2>
            {isAdmin.value && <UserPicker shown={shown} users={users ?? []} />}
          </div>
          {own && !me.value?.known ? <NoUser id={shown} own /> : <OneUser key={shown} id={shown} />}
        </>
      ) : (
        <Card title="One user">
          <SignInFirst>A user sees its own challenges and activity; an admin those of all users.</SignInFirst>
        </Card>
      )}
    </>
  );
}
