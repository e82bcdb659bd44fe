/** Who is signed in: a token, kept for the tab or, when asked to, for longer; and what the server says of it. */

import { computed, signal } from '@preact/signals';
import type { MeBody } from '../api/bodies.ts';

const KEY = 'liontrack.token';
export const DATA_CACHE = 'liontrack-data';

function stored(): string | null {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
}

export const token = signal<string | null>(stored());
/** What `/api/analytics/me` last said; null until it answered. */
export const me = signal<MeBody | null>(null);
/** Whether the dialog is open, and why: a sentence, or '' where somebody asked for it. */
export const signInReason = signal<string | null>(null);

export const signedIn = computed(() => token.value !== null && me.value?.user_id != null);
export const isAdmin = computed(() => signedIn.value && (me.value?.roles.includes('admin') ?? false));

function forgetData(): void {
  me.value = null;
  navigator.serviceWorker?.controller?.postMessage('forget');
  if ('caches' in window) void caches.delete(DATA_CACHE);
}

/** Use a token from now on; what was seen with another one is forgotten. */
export function signIn(text: string, remember: boolean): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
  (remember ? localStorage : sessionStorage).setItem(KEY, text);
  forgetData();
  token.value = text;
  signInReason.value = null;
}

/** Forget the token and the data that it showed. */
export function signOut(): void {
  sessionStorage.removeItem(KEY);
  localStorage.removeItem(KEY);
  forgetData();
  token.value = null;
}

/** The server does not take the token (401): ask for another one. */
export function refused(detail: string): void {
  if (token.value !== null && signInReason.value === null) signInReason.value = detail;
}
