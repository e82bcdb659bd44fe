/** Lists that come in pages, as a component sees them. */

import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { epoch } from '../state/connection.ts';
import { token } from '../state/session.ts';
import { type Answer, get } from './client.ts';
import { type Loaded, type Options, useApi } from './use.ts';

const PAGES_AT_MOST = 10; // of 1,000 lions each: beyond that a browser is no place for them
const RENEW_MS = 300_000;

export interface Listed<T> extends Loaded<T> {
  /** The bodies of all pages that are there, in order. */
  bodies: T[];
  /** Why something is missing, if so: it still loads, it could not be loaded, or it is too much. */
  missing: 'loading' | 'failed' | 'too many' | null;
}

interface Rest<T> {
  key: string | null;
  bodies: T[];
  missing: Listed<T>['missing'];
}

async function follow<T>(from: string, signal: AbortSignal): Promise<{ bodies: T[]; missing: Listed<T>['missing'] }> {
  const bodies: T[] = [];
  for (let next: string | null = from; next !== null; ) {
    if (bodies.length === PAGES_AT_MOST - 1) return { bodies, missing: 'too many' };
    const answer: Answer<T> = await get<T>(next, signal);
    bodies.push(answer.body);
    next = answer.next;
  }
  return { bodies, missing: null };
}

/** The first page as `useApi` has it; what its `Link` leads to once, then every few minutes. */
export function usePages<T>(url: string | null, options?: Options): Listed<T> {
  const first = useApi<T>(url, options);
  const next = first.answer?.next ?? null;
  const key = next === null ? null : `${token.value ?? ''} ${next}`;
  const [rest, setRest] = useState<Rest<T>>({ key: null, bodies: [], missing: null });
  const [round, setRound] = useState(0);
  const again = useCallback(() => setRound((n) => n + 1), []);

  useEffect(() => {
    if (next === null) return;
    const stop = new AbortController();
    follow<T>(next, stop.signal).then(
      (found) => setRest({ key, ...found }),
      () => {
        if (stop.signal.aborted) return;
        setRest((old) => ({ key, bodies: old.key === key ? old.bodies : [], missing: 'failed' }));
      },
    );
    const timer = setTimeout(again, RENEW_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, round, epoch.value]);

  const known = rest.key === key ? rest : { bodies: [], missing: key === null ? null : ('loading' as const) };
  const bodies = useMemo(() => (first.body ? [first.body, ...known.bodies] : []), [first.body, key, rest]);
  const reload = (): void => {
    first.reload();
    again();
  };
  return { ...first, reload, bodies, missing: first.body === null ? null : known.missing };
}
