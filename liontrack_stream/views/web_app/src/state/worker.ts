/** The service worker that makes the dashboard open without a network, and what it shall keep for that. */

import { effect } from '@preact/signals';
import type { MeBody } from '../api/bodies.ts';
import { get } from '../api/client.ts';
import { openingPaths } from '../api/paths.ts';
import { epoch, reachable } from './connection.ts';
import { me } from './session.ts';

const SETTLED_MS = 4000;

/** Asks once for what all pages open with, one after the other, when the page has come to rest. */
async function keepPages(asker: MeBody): Promise<void> {
  for (const path of openingPaths(asker)) {
    // Somebody else signed in, or there is nobody to ask: what is kept until now will do.
    if (me.value?.user_id !== asker.user_id || !reachable.value) return;
    await get(path).catch(() => undefined);
  }
}

function keepWhenSettled(): void {
  let timer: number | undefined;
  effect(() => {
    const known = me.value;
    clearTimeout(timer);
    if (known === null) return;
    timer = window.setTimeout(() => void keepPages(known), SETTLED_MS);
  });
}

/** Registers it, in builds alone. What was asked for before it was there is asked for again, so that it is kept. */
export function registerServiceWorker(): void {
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const first = navigator.serviceWorker.controller === null;
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (first) epoch.value += 1;
  });
  navigator.serviceWorker
    .register('/sw.js', { scope: '/' })
    .then(() => navigator.serviceWorker.ready)
    .then(keepWhenSettled)
    .catch((error: unknown) => console.info('No service worker:', error));
}
