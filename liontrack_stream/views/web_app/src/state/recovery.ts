/** Asks for everything again once the server is in reach again: the browser's word for it comes too early. */

import { effect } from '@preact/signals';
import { epoch, keptSince, reachable } from './connection.ts';
import { liveState } from './live.ts';

const AGAIN_MS = 5000;
const SOON_MS = 1000;

function again(): void {
  epoch.value = epoch.peek() + 1;
}

function againIfOld(): void {
  if (navigator.onLine && (keptSince.peek() !== null || !reachable.peek())) again();
}

export function startRecovery(): void {
  addEventListener('online', () => {
    again();
    setTimeout(againIfOld, SOON_MS);
  });
  addEventListener('offline', () => {
    reachable.value = false;
    again();
  });
  effect(() => {
    if (liveState.value === 'live') againIfOld();
  });
  setInterval(againIfOld, AGAIN_MS);
}
