/** The frame around all pages: who and what, how to get about, whether it is live. */

import type { ComponentChildren } from 'preact';
import { dark, toggleTheme } from '../state/theme.ts';
import { keptSince } from '../state/connection.ts';
import { longTime } from '../lib/days.ts';
import { me, signedIn, signInReason, signOut } from '../state/session.ts';
import { place, to } from '../state/router.ts';
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
            <a href={to(page)} aria-current={place.value.page === page ? 'page' : undefined} data-testid={`nav-${page}`}>
              <Icon name={icon} />
              {name}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** `ranger u1, exact positions` */
function Who() {
  const known = me.value;
  if (!known) return null;
  const positions = known.positions === 'exact' ? 'exact positions' : `positions on a ${known.grid_deg}° grid, ${known.delay_h} h late`;
  return (
    <span class="badge hide-phone" data-testid="who" title={`${known.user_id ?? 'Not signed in'}: ${positions}`}>
      {known.user_id === null ? 'Guest' : `${known.user_id} (${known.roles.join(', ') || 'no role'})`} · {known.positions === 'exact' ? 'exact' : 'generalised'}
    </span>
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
        <strong class="simulated" data-testid="simulated" title="The lions, users and challenges of this demo are simulated">
          Simulated<span class="hide-phone"> data</span>
        </strong>
      )}
      <div class="top-end">
        <LiveBadge />
        <Who />
        <button type="button" class="button icon quiet" aria-label={theme} title={theme} onClick={toggleTheme} data-testid="theme">
          <Icon name={dark.value ? 'sun' : 'moon'} />
        </button>
        {signedIn.value ? (
          <button type="button" class="button" onClick={signOut} data-testid="sign-out">
            Sign out
          </button>
        ) : (
          <button type="button" class="button" onClick={() => { signInReason.value = ''; }} data-testid="sign-in">
            Sign in
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
          <strong>Generalised positions.</strong> Rounded to {known.grid_deg}° and {known.delay_h} hours late, to keep the lions safe. Rangers
          sign in to see exact ones.
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
        </div>
      </main>
      <SignIn />
    </div>
  );
}
