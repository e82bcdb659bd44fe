/** Where nothing is recent, as with a history that was imported: the way to the last day with data. */

import { dayOf, daysBetween, longDay } from '../lib/days.ts';
import { asOf, setQuery } from '../state/router.ts';

const RECENT_DAYS = 30;

export function OldData({ newest }: { newest: string | null | undefined }) {
  if (!newest || asOf.value !== null) return null;
  const day = dayOf(new Date(newest));
  if (daysBetween(day, dayOf(new Date())) <= RECENT_DAYS) return null;
  return (
    <p class="notice" data-testid="old-data">
      <strong>No recent data.</strong> The newest fix is of {longDay(day)}.
      <button type="button" class="button" onClick={() => setQuery({ as_of: day })}>
        Go to that day
      </button>
    </p>
  );
}
