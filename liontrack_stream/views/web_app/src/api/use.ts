/** A body of the API as a component sees it: loading, there, stale, or failed. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { epoch, noteAnswer } from '../state/connection.ts';
import { revision } from '../state/live.ts';
import { token } from '../state/session.ts';
import { type Answer, ApiFailure, get } from './client.ts';

const REFRESH_S = 60;

export interface Loaded<T> {
  body: T | null;
  answer: Answer<T> | null;
  failure: ApiFailure | null;
  loading: boolean;
  reload: () => void;
}

export interface Options {
  /** Seconds until it is asked for again; 0: never. */
  refreshS?: number;
  /** Ask again when the stream says that rows changed. */
  live?: boolean;
}

interface State<T> {
  key: string | null;
  answer: Answer<T> | null;
  failure: ApiFailure | null;
  loading: boolean;
}

/** GET `url` (null: nothing to ask), again after a while, after sign-in, and when rows changed; what is not there (404), once. */
export function useApi<T>(url: string | null, { refreshS = REFRESH_S, live = false }: Options = {}): Loaded<T> {
  const who = token.value;
  const key = url === null ? null : `${who ?? ''} ${url}`;
  const [state, setState] = useState<State<T>>({ key, answer: null, failure: null, loading: url !== null });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((n) => n + 1), []);
  const absent = state.key === key && state.failure?.status === 404;
  const changed = useRef(0);
  const now = epoch.value + (live ? revision.value : 0);
  if (!absent) changed.current = now;
  const wanted = useRef(key);
  wanted.current = key;

  useEffect(() => {
    if (url === null) return;
    const stop = new AbortController();
    setState((old) =>
      old.key === key ? { ...old, loading: true } : { key, answer: null, failure: null, loading: true },
    );
    get<T>(url, stop.signal).then(
      (answer) => {
        if (wanted.current !== key) return;
        noteAnswer(answer.keptSince);
        setState({ key, answer, failure: null, loading: false });
      },
      (failure: unknown) => {
        if (stop.signal.aborted || wanted.current !== key) return;
        const known = failure instanceof ApiFailure ? failure : new ApiFailure(-1, 'Not understood', String(failure));
        if (known.status === 0) noteAnswer(null, false);
        setState((old) => ({ key, answer: old.key === key ? old.answer : null, failure: known, loading: false }));
      },
    );
    return () => stop.abort();
  }, [url, key, round, changed.current]);

  useEffect(() => {
    if (url === null || refreshS === 0 || absent) return;
    const timer = setInterval(() => document.visibilityState === 'visible' && reload(), refreshS * 1000);
    return () => clearInterval(timer);
  }, [url, refreshS, reload, absent]);

  const current = state.key === key ? state : { key, answer: null, failure: null, loading: url !== null };
  return { ...current, body: current.answer?.body ?? null, reload };
}
