/** What a part of a page shows while it has no data: it loads, there is none, it failed, it takes a token. */

import type { ComponentChildren } from 'preact';
import type { ApiFailure } from '../api/client.ts';
import type { Loaded } from '../api/use.ts';
import { clock, longDay } from '../lib/days.ts';
import { signInReason } from '../state/session.ts';
import { Icon } from './icons.tsx';

export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <div class="skeleton" role="status">
      <span class="sr">Loading</span>
      {Array.from({ length: lines }, (_, n) => (
        <i key={n} style={{ width: `${100 - ((n * 17) % 45)}%` }} />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state" data-testid="empty">
      <Icon name="empty" />
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

export function SignInFirst({ children }: { children: ComponentChildren }) {
  return (
    <div class="state" data-testid="sign-in-first">
      <Icon name="lock" />
      <strong>Sign in to see this</strong>
      <p>{children}</p>
      <button
        type="button"
        class="button primary"
        onClick={() => {
          signInReason.value = '';
        }}
      >
        Sign in with a token
      </button>
    </div>
  );
}

export function Failed({ failure, again }: { failure: ApiFailure; again: () => void }) {
  if (failure.status === 401) return <SignInFirst>{failure.detail}</SignInFirst>;
  return (
    <div class="state" role="alert" data-testid="error">
      <Icon name="alert" />
      <strong>{failure.status === 404 ? 'Not here' : failure.title}</strong>
      <p>{failure.detail}</p>
      <button type="button" class="button" onClick={again}>
        Try again
      </button>
    </div>
  );
}

/** Shows a body once it is there, and a line above it where it is old. */
export function Show<T>({
  of,
  children,
  lines,
}: {
  of: Loaded<T>;
  children: (body: T) => ComponentChildren;
  lines?: number;
}) {
  const { answer, failure } = of;
  if (answer === null) return failure ? <Failed failure={failure} again={of.reload} /> : <Loading lines={lines} />;
  return (
    <>
      {answer.keptSince && (
        <p class="stale" data-testid="stale">
          Kept from {longDay(answer.keptSince)}, {clock(answer.keptSince)} UTC
        </p>
      )}
      {!answer.keptSince && failure && (
        <p class="stale" role="status">
          Not renewed: {failure.title}
        </p>
      )}
      {children(answer.body)}
    </>
  );
}
