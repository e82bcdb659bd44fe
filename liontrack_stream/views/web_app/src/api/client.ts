/** Asks the API, with the token of who is signed in. */

import { refused, token } from '../state/session.ts';

/** Where the service worker says when it had an answer that it kept. */
export const KEPT_SINCE = 'X-Kept-Since';

export type Query = Record<string, string | number | null | undefined>;

/** An answer; `keptSince` is set where it comes from the cache because the server was out of reach. */
export interface Answer<T> {
  body: T;
  keptSince: string | null;
  precision: string | null;
  next: string | null;
}

/** The server said no, or nothing (status 0). */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(`${title}: ${detail}`);
  }
}

export function address(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value != null && value !== '');
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString();
  return text ? `${path}?${text}` : path;
}

export function authorization(): Record<string, string> {
  return token.value === null ? {} : { Authorization: `Bearer ${token.value}` };
}

export async function failureOf(response: Response): Promise<ApiFailure> {
  const body = await response.json().catch(() => ({}));
  const title = typeof body.error === 'string' ? body.error : `Status ${response.status}`;
  const detail = typeof body.detail === 'string' ? body.detail : response.statusText;
  if (response.status === 401) refused(detail);
  return new ApiFailure(response.status, title, detail);
}

/** The rest of a list, from `Link: <…>; rel="next"`. */
export function nextOf(link: string | null): string | null {
  return link?.match(/<([^>]+)>\s*;\s*rel="?next"?/)?.[1] ?? null;
}

/** GET a JSON body. Throws `ApiFailure`, and what `signal` says when it aborts. */
export async function get<T>(url: string, signal?: AbortSignal): Promise<Answer<T>> {
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { Accept: 'application/json, application/geo+json', ...authorization() },
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiFailure(0, 'No connection', 'The server cannot be reached, and nothing was kept of this page.');
  }
  if (!response.ok) throw await failureOf(response);
  return {
    body: (await response.json()) as T,
    keptSince: response.headers.get(KEPT_SINCE),
    precision: response.headers.get('X-Position-Precision'),
    next: nextOf(response.headers.get('Link')),
  };
}
