import { BandBadge } from '../components/parts.tsx';
import { longTime } from '../lib/days.ts';
import { bandOf, nameOf } from '../lib/health.ts';
import { decimal, NONE } from '../lib/numbers.ts';
import { to } from '../state/router.ts';
import { me } from '../state/session.ts';
import type { Spot } from './view.ts';

/** What a lion's popup says. */
export function Popup({ spot }: { spot: Spot }) {
  const exact = me.value?.positions !== 'generalised';
  return (
    <div class="popup" data-testid="popup">
      <strong>{nameOf(spot)}</strong>
      <BandBadge band={bandOf(spot.health_score)} />
      <dl>
        <dt>Health</dt>
        <dd>{spot.health_score === null ? NONE : `${decimal(spot.health_score)} of 100`}</dd>
        <dt>Last fix</dt>
        <dd>{longTime(spot.position_date)}</dd>
        <dt>Position</dt>
        <dd>
          {decimal(spot.lat, exact ? 4 : 1)}, {decimal(spot.lng, exact ? 4 : 1)}
        </dd>
      </dl>
      <a href={to('lions', spot.lion_id)}>Weight, health and track</a>
    </div>
  );
}
