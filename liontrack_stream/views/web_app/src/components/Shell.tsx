/** The frame around all pages: who and what, how to get about, whether it is live. */

import type { ComponentChildren } from 'preact';
import type { MeBody } from '../api/bodies.ts';
import { longTime } from '../lib/days.ts';
import { keptSince } from '../state/connection.ts';
import { place, to } from '../state/router.ts';
import { me, signedIn, signInReason, signOut } from '../state/session.ts';
import { dark, toggleTheme } from '../state/theme.ts';
import { Icon, type IconName } from './icons.tsx';
import { LiveBadge } from './LiveBadge.tsx';
import { SignIn } from './SignIn.tsx';

const PAGES: { page: string; name: string; icon: IconName }[] = [
  { page: 'map', name: 'Map', icon: 'map' },
  { page: 'lions', name: 'Lions', icon: 'lion' },
  { page: 'users', name: 'Users', icon: 'users' },
  { page: 'leaderboards', name: 'Leaders', icon: 'trophy' },
  { page: 'quality', name: 'Quality', icon: 'check' },
  { page: 'pipeline', name: 'Pipeline', icon: 'flow' },
];

function Navigation() {
  return (
    <nav class="nav" aria-label="Pages">
      <ul>
        {PAGES.map(({ page, name, icon }) => (
          <li key={page}>
            <a
              href={to(page)}
              aria-current={place.value.page === page ? 'page' : undefined}
              data-testid={`nav-${page}`}
            >
              <Icon name={icon} />
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** `u1 (ranger)` */
function whoIs(known: MeBody): string {
  return known.user_id === null ? 'Guest' : `${known.user_id} (${known.roles.join(', ') || 'no role'})`;
}

function Who() {
  const known = me.value;
  if (!known) return null;
  return (
    <span class="badge hide-phone" data-testid="who">
      {whoIs(known)} · {known.positions === 'exact' ? 'exact' : 'generalised'}
    </span>
  );
}

/** Who looks, how precisely, and where the same is to be had without a dashboard. */
function Foot() {
  const known = me.value;
  return (
    <footer class="foot">
      {known && (
        <span data-testid="who-foot">
          {whoIs(known)}:{' '}
          {known.positions === 'exact'
            ? 'exact positions'
            : `positions on a grid of ${known.grid_deg}°, ${known.delay_h} h late`}
        </span>
      )}
      <span>All days and times are UTC</span>
      <nav aria-label="Elsewhere">
        <a href="/docs">API</a>
        <a href={`${import.meta.env.BASE_URL}licenses.txt`}>Licences</a>
      </nav>
    </footer>
  );
}

function Top() {
  const theme = dark.value ? 'Light colours' : 'Dark colours';
  return (
    <header class="top">
      <a class="brand" href={to('map')} aria-label="LionTrack Stream, map">
        <img src={`${import.meta.env.BASE_URL}icons/icon.svg`} alt="" width="32" height="32" />
        <span>LionTrack</span>
      </a>
      {me.value?.demo && (
        <strong
          class="simulated"
          data-testid="simulated"
          title="The lions, users and challenges of this demo are simulated"
        >
          Simulated<span class="hide-phone"> data</span>
        </strong>
      )}
      <div class="top-end">
        <LiveBadge />
        <Who />
        <button
          type="button"
          class="button icon quiet"
          aria-label={theme}
          title={theme}
          onClick={toggleTheme}
          data-testid="theme"
        >
          <Icon name={dark.value ? 'sun' : 'moon'} />
        </button>
        {signedIn.value ? (
          <button
            type="button"
            class="button who"
            onClick={signOut}
            aria-label="Sign out"
            title={`Sign out ${me.value?.user_id}`}
            data-testid="sign-out"
          >
            <Icon name="out" />
            <span class="wide">Sign out</span>
          </button>
        ) : (
          <button
            type="button"
            class="button who"
            onClick={() => {
              signInReason.value = '';
            }}
            aria-label="Sign in"
            data-testid="sign-in"
          >
            <Icon name="user" />
            <span class="wide">Sign in</span>
          </button>
        )}
      </div>
    </header>
  );
}

/** What the numbers below do not say of themselves. */
function Notices() {
  const known = me.value;
  return (
    <>
      {keptSince.value && (
        <p class="notice" role="status" data-testid="offline-notice">
          <strong>Offline.</strong> What you see was kept at {longTime(keptSince.value)}.
        </p>
      )}
      {known?.positions === 'generalised' && (place.value.page === 'map' || place.value.page === 'lions') && (
        <p class="notice" data-testid="generalised-notice">
          <strong>Generalised positions.</strong> Rounded to {known.grid_deg}° and {known.delay_h} hours late, to keep
          the lions safe. Rangers sign in to see exact ones.
        </p>
      )}
    </>
  );
}

export function Shell({ children }: { children: ComponentChildren }) {
  const toMain = (event: Event): void => {
    event.preventDefault();
    document.querySelector<HTMLElement>('main')?.focus();
  };
  return (
    <div class="shell">
      <a class="skip" href="#main" onClick={toMain}>
        Skip to the content
      </a>
      <Top />
      <Navigation />
      <main id="main" tabIndex={-1}>
        <div class="page">
          <Notices />
          {children}
          <Foot />
        </div>
      </main>
      <SignIn />
    </div>
  );
}
