/** The lions beside the map: the same in words, and the way to one by keyboard. */

import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { ago } from '../lib/days.ts';
import { BAND_NAMES, bandColour, bandOf, nameOf } from '../lib/health.ts';
import { whole } from '../lib/numbers.ts';
import { to } from '../state/router.ts';
import type { Spot } from './view.ts';

interface Props {
  spots: readonly Spot[];
  chosen: string | null;
  choose: (lionId: string | null) => void;
  hint: string;
  children: ComponentChildren;
}

const ORDER = new Intl.Collator('en', { numeric: true });
const SEARCH_FROM = 9;
const SHOWN_AT_MOST = 200;

export function LionList({ spots, chosen, choose, hint, children }: Props) {
  const [search, setSearch] = useState('');
  const now = new Date();
  const found = useMemo(() => {
    const named = spots.filter((spot) => nameOf(spot).toLowerCase().includes(search.toLowerCase()));
    return named.sort((a, b) => ORDER.compare(nameOf(a), nameOf(b)));
  }, [spots, search]);
  const listed = found.filter((spot, n) => n < SHOWN_AT_MOST || spot.lion_id === chosen);
  return (
    <section class="card lion-list" aria-label="Lions" data-testid="lion-list">
      <div class="card-head">
        <h2>Lions</h2>
        <p>{hint}</p>
        {spots.length >= SEARCH_FROM && (
          <input
            class="input"
            type="search"
            placeholder="Find by name"
            aria-label="Find a lion by name"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        )}
      </div>
      {children}
      <ul>
        {listed.map((spot) => {
          const band = bandOf(spot.health_score);
          const isChosen = spot.lion_id === chosen;
          return (
            <li key={spot.lion_id}>
              <button
                type="button"
                aria-pressed={isChosen}
                onClick={() => choose(isChosen ? null : spot.lion_id)}
                data-lion={spot.lion_id}
              >
                <span class="dot" style={{ '--dot': bandColour(band) }} aria-hidden="true" />
                <span class="name">{nameOf(spot)}</span>
                <span class="score">{whole(spot.health_score)}</span>
                <span class="sub">
                  {BAND_NAMES[band]}, fix {ago(spot.position_date, now)}
                </span>
              </button>
              {isChosen && (
                <a class="button quiet" href={to('lions', spot.lion_id)}>
                  Weight, health and track
                </a>
              )}
            </li>
          );
        })}
      </ul>
      {found.length > SHOWN_AT_MOST && (
        <p class="soft small list-end" data-testid="list-end">
          {SHOWN_AT_MOST} of {whole(found.length)}: find the others by name
        </p>
      )}
    </section>
  );
}
