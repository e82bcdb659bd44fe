/** Addresses of the form `#/lions/ID?as_of=2026-01-31`. */

import { computed, signal } from '@preact/signals';
import { isDay } from '../lib/days.ts';

export interface Place {
  page: string;
  id: string | null;
  query: URLSearchParams;
}

export function parse(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [page, ...rest] = path.split('/');
  let id: string | null = rest.length ? rest.join('/') : null;
  try {
    id = id && decodeURIComponent(id);
  } catch {
    // An address that somebody cut in half: the id as it stands.
  }
  return { page: page || 'map', id: id || null, query: new URLSearchParams(query) };
}

export const place = signal<Place>(parse(location.hash));
/** The UTC day that everything is looked at, null for now. */
export const asOf = computed(() => {
  const day = place.value.query.get('as_of');
  return isDay(day) ? day : null;
});

addEventListener('hashchange', () => {
  place.value = parse(location.hash);
});

/** An address within the dashboard; the day that is looked at goes along unless the query sets it. */
export function to(page: string, id: string | null = null, query: Record<string, string | null> = {}): string {
  const all: Record<string, string | null> = { as_of: asOf.value, ...query };
  const pairs = Object.entries(all).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const text = new URLSearchParams(pairs).toString();
  return `#/${page}${id === null ? '' : `/${encodeURIComponent(id)}`}${text ? `?${text}` : ''}`;
}

/** Change parts of this address' query without a step in the history. */
export function setQuery(changes: Record<string, string | null>): void {
  const { page, id, query } = place.value;
  const hash = to(page, id, { ...Object.fromEntries(query), ...changes });
  history.replaceState(null, '', hash);
  place.value = parse(hash);
}
