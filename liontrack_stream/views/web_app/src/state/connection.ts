/** Whether what is shown comes from the server or from what the browser kept. */

import { signal } from '@preact/signals';

/** When the oldest of the shown answers was fetched, where the server is out of reach; null while it answers. */
export const keptSince = signal<string | null>(null);
export const reachable = signal(navigator.onLine);

/** An answer came: from the server (null) or kept since then. */
export function noteAnswer(since: string | null, answered = since === null): void {
  reachable.value = answered;
  if (since !== null && (keptSince.value === null || since < keptSince.value)) keptSince.value = since;
  if (answered) keptSince.value = null;
}

/** Goes up when everything that is shown is to be asked for again. */
export const epoch = signal(0);
