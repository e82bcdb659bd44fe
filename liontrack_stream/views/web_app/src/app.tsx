import type { ComponentType } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { MeBody } from './api/bodies.ts';
import { mePath } from './api/paths.ts';
import { useApi } from './api/use.ts';
import { Shell } from './components/Shell.tsx';
import { Empty, Failed } from './components/states.tsx';
import { LeaderboardsPage } from './pages/LeaderboardsPage.tsx';
import { LionPage } from './pages/LionPage.tsx';
import { LionsPage } from './pages/LionsPage.tsx';
import { MapPage } from './pages/MapPage.tsx';
import { PipelinePage } from './pages/PipelinePage.tsx';
import { QualityPage } from './pages/QualityPage.tsx';
import { UsersPage } from './pages/UsersPage.tsx';
import { place, to } from './state/router.ts';
import { me } from './state/session.ts';

const PAGES: Record<string, { title: string; component: ComponentType }> = {
  map: { title: 'Map', component: MapPage },
  lions: { title: 'Lions', component: LionsPage },
  users: { title: 'Users', component: UsersPage },
  leaderboards: { title: 'Leaderboards', component: LeaderboardsPage },
  quality: { title: 'Data quality', component: QualityPage },
  pipeline: { title: 'Pipeline', component: PipelinePage },
};

function Missing() {
  return (
    <div class="card">
      <h1 class="sr" tabIndex={-1}>
        No such page
      </h1>
      <Empty title="No such page">
        <a href={to('map')}>To the map</a>
      </Empty>
    </div>
  );
}

function Page() {
  const { page, id } = place.value;
  if (page === 'lions' && id !== null) return <LionPage key={id} id={id} />;
  const Known = PAGES[page]?.component ?? Missing;
  return <Known />;
}

/** Names the page, and moves keyboard and screen reader to its heading when it changes. */
function useAnnouncedPage(): void {
  const { page, id } = place.value;
  const seen = useRef<string | null>(null);
  useEffect(() => {
    const title = PAGES[page]?.title ?? 'No such page';
    document.title = `${title}${id ? `: ${id}` : ''} · LionTrack Stream`;
    const now = `${page}/${id ?? ''}`;
    if (seen.current !== null && seen.current !== now) {
      scrollTo(0, 0);
      document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    }
    seen.current = now;
  }, [page, id]);
}

export function App() {
  const known = useApi<MeBody>(mePath);
  useAnnouncedPage();
  useEffect(() => {
    me.value = known.body;
  }, [known.body]);
  return (
    <Shell>
      {known.failure && known.body === null && known.failure.status !== 401 && (
        <section class="card" aria-label="Server">
          <Failed failure={known.failure} again={known.reload} />
        </section>
      )}
      <Page />
    </Shell>
  );
}
