/** The service worker that makes the dashboard open without a network. */

import { epoch, reachable } from './connection.ts';

/** Registers it, in builds alone. What was asked for before it was there is asked for again, so that it is kept. */
export function registerServiceWorker(): void {
  addEventListener('online', () => {
    epoch.value += 1;
  });
  addEventListener('offline', () => {
    reachable.value = false;
    epoch.value += 1;
  });
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  const first = navigator.serviceWorker.controller === null;
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (first) epoch.value += 1;
  });
  navigator.serviceWorker.register('/sw.js', { scope: '/' }).catch((error: unknown) => console.info('No service worker:', error));
}
