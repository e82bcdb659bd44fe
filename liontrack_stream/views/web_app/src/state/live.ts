/**
 * The stream of new positions and revised rows.
 *
 *   connecting ──► live ──(ends, silent for 40 s)──► reconnecting ──► live
 *                                  └─ the browser is offline ──► offline ─┘
 */

import { effect, signal } from '@preact/signals';
import { authorization, failureOf } from '../api/client.ts';
import { streamPath } from '../api/paths.ts';
import type { PositionEvent } from '../api/types.ts';
import { readEvents, type ServerEvent } from '../lib/sse.ts';
import { token } from './session.ts';

export type LiveState = 'connecting' | 'live' | 'reconnecting' | 'offline' | 'refused';

const SILENCE_MS = 40_000;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
const GATHER_MS = 1500;

export const liveState = signal<LiveState>('connecting');
/** Event time of the newest position that the stream brought. */
export const newestFix = signal<string | null>(null);
/** The last fix of each lion that the stream brought. */
export const livePositions = signal<ReadonlyMap<string, PositionEvent>>(new Map());
/** Goes up when rows of gold were revised, at most every 1.5 s. */
export const revision = signal(0);

let gathering: number | undefined;
let lastId: string | null = null;

function revised(): void {
  if (gathering !== undefined) return;
  gathering = window.setTimeout(() => {
    gathering = undefined;
    revision.value += 1;
  }, GATHER_MS);
}

function moved(position: PositionEvent): void {
  const known = livePositions.value.get(position.lion_id);
  if (known && known.position_date >= position.position_date) return;
  livePositions.value = new Map(livePositions.value).set(position.lion_id, position);
  if (!newestFix.value || position.position_date > newestFix.value) newestFix.value = position.position_date;
}

function take(event: ServerEvent): void {
  if (event.id !== null) lastId = event.id;
  if (event.event === 'position') moved(JSON.parse(event.data) as PositionEvent);
  else if (event.event !== 'hello') revised(); // a revision, or something newer than this build
}

/** One connection, until it ends. Returns whether it was ever live. */
async function follow(stop: AbortController): Promise<boolean> {
  const headers: Record<string, string> = { Accept: 'text/event-stream', ...authorization() };
  if (lastId !== null) headers['Last-Event-ID'] = lastId;
  const response = await fetch(streamPath, { headers, signal: stop.signal, cache: 'no-store' });
  if (!response.ok || !response.body) throw await failureOf(response);
  if (liveState.value === 'reconnecting' || liveState.value === 'offline') revised(); // what came meanwhile
  liveState.value = 'live';
  let silence = window.setTimeout(() => stop.abort(), SILENCE_MS);
  const alive = (): void => {
    clearTimeout(silence);
    silence = window.setTimeout(() => stop.abort(), SILENCE_MS);
  };
  try {
    await readEvents(response.body, take, alive);
  } finally {
    clearTimeout(silence);
  }
  return true;
}

/** Resolves after `ms` (false), or as soon as the browser is online again (true). */
function pause(ms: number, over: AbortSignal): Promise<boolean> {
  return new Promise((done) => {
    const heard = new AbortController();
    const finish = (woken: boolean): void => {
      clearTimeout(timer);
      heard.abort();
      done(woken);
    };
    const timer = setTimeout(() => finish(false), ms);
    addEventListener('online', () => finish(true), { signal: heard.signal });
    over.addEventListener('abort', () => finish(false), { signal: heard.signal });
  });
}

async function keepFollowing(over: AbortSignal): Promise<void> {
  let wait = FIRST_WAIT_MS;
  while (!over.aborted) {
    const stop = new AbortController();
    const end = (): void => stop.abort();
    over.addEventListener('abort', end);
    addEventListener('offline', end);
    const since = Date.now();
    let refusal = false;
    try {
      await follow(stop);
    } catch (error) {
      refusal = (error as { status?: number }).status === 401;
    }
    removeEventListener('offline', end);
    over.removeEventListener('abort', end);
    if (over.aborted) return;
    if (refusal) {
      liveState.value = 'refused';
      return;
    }
    if (Date.now() - since > LONGEST_WAIT_MS) wait = FIRST_WAIT_MS;
    liveState.value = navigator.onLine ? 'reconnecting' : 'offline';
    const woken = await pause(wait * (0.75 + Math.random() / 2), over);
    wait = woken ? FIRST_WAIT_MS : Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

/** Follow the stream for as long as the page is open, as whoever is signed in. */
export function startLive(): void {
  let over: AbortController | null = null;
  effect(() => {
    token.value;
    over?.abort();
    over = new AbortController();
    lastId = null;
    livePositions.value = new Map();
    newestFix.value = null;
    liveState.value = 'connecting';
    void keepFollowing(over.signal);
  });
}
