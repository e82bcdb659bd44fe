/**
 * The service worker: the dashboard opens without a network, with the last data that were seen.
 *
 *   pages and assets   from this build's cache, filled at install; older builds' caches go
 *   GET /api/analytics the network; where that fails, what it last said, marked with the time
 *   exports, stream    never kept
 */

/// <reference lib="webworker" />
declare const self: ServiceWorkerGlobalScope;

export type {};

const FILES = '__SHELL_FILES__'.split(' ');
const SHELL = 'liontrack-shell-__SHELL_VERSION__';
const DATA = 'liontrack-data';
const KEPT_SINCE = 'X-Kept-Since';
const KEPT_AT_MOST = 400;
const NEVER_KEPT = /^\/api\/analytics\/(export|stream)\b/;

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(SHELL)
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: 'no-cache' }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names
            .filter((name) => name.startsWith('liontrack-shell-') && name !== SHELL)
            .map((name) => caches.delete(name)),
        ),
      )
      .then(() => self.clients.claim()),
  );
});

/** Goes up at each sign-in and sign-out: what was asked for before is not kept after. */
let generation = 0;

self.addEventListener('message', (event) => {
  if (event.data !== 'forget') return;
  generation += 1;
  event.waitUntil(caches.delete(DATA));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith('/api/analytics/')) {
    if (!NEVER_KEPT.test(url.pathname)) event.respondWith(data(event, url));
  } else if (request.mode === 'navigate' && url.pathname === '/') {
    event.respondWith(page(request));
  } else if (url.pathname.startsWith('/static/') || url.pathname === '/manifest.webmanifest') {
    event.respondWith(asset(request));
  }
});

/** The page itself: the server's where it answers, so that a new build shows at once. */
async function page(request: Request): Promise<Response> {
  try {
    const response = await fetch(request);
    if (response.ok) return response;
  } catch {
    // Out of reach: the page that this build brought.
  }
  return (await caches.match('/', { cacheName: SHELL })) ?? Response.error();
}

async function asset(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: SHELL })) ?? fetch(request);
}

/** Kept answers are told apart by who asked: nobody is shown what somebody else could see. */
async function keyOf(request: Request, url: URL): Promise<string> {
  const who = new TextEncoder().encode(request.headers.get('Authorization') ?? '');
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', who));
  const key = new URL(url);
  key.searchParams.set('__who', Array.from(hash.slice(0, 12), (byte) => byte.toString(16).padStart(2, '0')).join(''));
  return key.href;
}

async function data(event: FetchEvent, url: URL): Promise<Response> {
  const { request } = event;
  const asked = generation;
  const key = await keyOf(request, url);
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    const kept = await caches.match(key, { cacheName: DATA, ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
  if (response.status === 200 && asked === generation) event.waitUntil(keep(key, response.clone(), asked));
  return response;
}

async function keep(key: string, response: Response, asked: number): Promise<void> {
  const headers = new Headers(response.headers);
  headers.set(KEPT_SINCE, new Date().toISOString());
  headers.delete('Content-Encoding');
  try {
    const body = await response.arrayBuffer();
    if (asked !== generation) return;
    const cache = await caches.open(DATA);
    await cache.delete(key, { ignoreVary: true }); // so that the oldest come first
    await cache.put(key, new Response(body, { headers }));
    const keys = await cache.keys();
    await Promise.all(
      keys.slice(0, Math.max(0, keys.length - KEPT_AT_MOST)).map((old) => cache.delete(old, { ignoreVary: true })),
    );
  } catch {
    // The disk is full, or the tab is private: offline there is less to see.
  }
}
