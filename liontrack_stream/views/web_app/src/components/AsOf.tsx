/** The day that the pages look at: now, or the end of a UTC day that somebody chose. */

import { dayOf, isDay } from '../lib/days.ts';
import { asOf, setQuery } from '../state/router.ts';

export function AsOf() {
  const today = dayOf(new Date());
  return (
    <div class="asof" data-testid="as-of">
      <label for="as-of">As of (UTC)</label>
      <input
        id="as-of"
        class="input"
        type="date"
        min="1970-01-01"
        max={today}
        value={asOf.value ?? today}
        onChange={(event) => {
          const day = event.currentTarget.value;
          if (isDay(day)) setQuery({ as_of: day >= today ? null : day });
        }}
      />
      {asOf.value && (
        <button type="button" class="button" onClick={() => setQuery({ as_of: null })}>
          Back to now
        </button>
      )}
    </div>
  );
}
