/** Where the lions are, and were: one day after the other. */

import { useMemo, useRef, useState } from 'preact/hooks';
import type { PositionFeature, PositionsBody } from '../api/bodies.ts';
import { usePages } from '../api/pages.ts';
import { positionsPath } from '../api/paths.ts';
import { Icon } from '../components/icons.tsx';
import { Missing } from '../components/Missing.tsx';
import { OldData } from '../components/OldData.tsx';
import { PageHead } from '../components/parts.tsx';
import { Empty, Failed, Loading } from '../components/states.tsx';
import { addDays, dayOf, daysBetween, longDay, longTime } from '../lib/days.ts';
import { BAND_NAMES, BANDS, bandColour } from '../lib/health.ts';
import { counted } from '../lib/numbers.ts';
import { DaySlider } from '../map/DaySlider.tsx';
import { LionList } from '../map/LionList.tsx';
import { LionMap } from '../map/LionMap.tsx';
import { extended, type Track } from '../map/tracks.ts';
import { useTracks } from '../map/useTracks.ts';
import type { Spot } from '../map/view.ts';
import { livePositions } from '../state/live.ts';
import { asOf, place, setQuery } from '../state/router.ts';
import { Totals } from './Totals.tsx';

const SLIDER_DAYS = 30;
const TRACKS_AT_MOST = 40;
const TAILS = [
  { hours: 24, name: '24 h' },
  { hours: 72, name: '3 d' },
  { hours: 168, name: '7 d' },
  { hours: 720, name: '30 d' },
];

function spotsOf(features: PositionFeature[]): Spot[] {
  return features.map(({ geometry, properties }) => ({
    ...properties,
    lng: geometry.coordinates[0] ?? 0,
    lat: geometry.coordinates[1] ?? 0,
  }));
}

/** The spots with what the stream brought since. */
function moved(spots: Spot[], live: boolean): Spot[] {
  if (!live) return spots;
  return spots.map((spot) => {
    const event = livePositions.value.get(spot.lion_id);
    return event && event.position_date > spot.position_date
      ? { ...spot, lat: event.lat, lng: event.lng, position_date: event.position_date }
      : spot;
  });
}

function grown(tracks: ReadonlyMap<string, Track>, live: boolean): ReadonlyMap<string, Track> {
  if (!live || livePositions.value.size === 0) return tracks;
  const all = new Map(tracks);
  for (const [id, event] of livePositions.value) {
    const track = tracks.get(id);
    if (track) all.set(id, extended(track, Date.parse(event.position_date) / 1000, [event.lat, event.lng]));
  }
  return all;
}

/** The last day of the slider: today, or the chosen day where that lies before the slider's days. */
function useLastDay(today: string): string {
  const last = useRef(today);
  const day = asOf.value;
  if (day && (day > last.current || daysBetween(day, last.current) >= SLIDER_DAYS)) last.current = day;
  if (!day) last.current = today;
  return last.current;
}

function Legend() {
  return (
    <ul class="legend map-legend" aria-label="Colours: health">
      {BANDS.map((band) => (
        <li key={band}>
          <span class="dot" style={{ '--dot': bandColour(band) }} />
          {BAND_NAMES[band]}
        </li>
      ))}
    </ul>
  );
}

function Heading() {
  return <PageHead title="Map">Last fixes and tracks, coloured by health.</PageHead>;
}

export function MapPage() {
  const today = dayOf(new Date());
  const lastDay = useLastDay(today);
  const day = asOf.value;
  const [tail, setTail] = useState(168);
  const [fitCount, setFitCount] = useState(0);
  const chosen = place.value.query.get('lion');
  const choose = (id: string | null): void => setQuery({ lion: id });

  const positions = usePages<PositionsBody>(positionsPath(day), { live: day === null });
  const told = useMemo(() => spotsOf(positions.bodies.flatMap((body) => body.features)), [positions.bodies]);
  const kept = useRef<Spot[]>([]);
  const spots = useMemo(() => {
    const isThere = positions.body !== null && (positions.missing !== 'loading' || kept.current.length === 0);
    if (isThere) kept.current = moved(told, day === null);
    return kept.current; // while the next day loads, the last one stays
  }, [told, positions.missing, day, livePositions.value]);

  const wanted = useMemo(() => {
    const ids = spots.slice(0, TRACKS_AT_MOST).map((spot) => spot.lion_id);
    return chosen && !ids.includes(chosen) && spots.some((spot) => spot.lion_id === chosen) ? [...ids, chosen] : ids;
  }, [spots.map((spot) => spot.lion_id).join('\n'), chosen]);
  const trackDay = lastDay === today ? null : lastDay;
  const { tracks: asked, busy, failed } = useTracks(wanted, 24 * (SLIDER_DAYS + 30), trackDay);
  const tracks = useMemo(() => grown(asked, day === null), [asked, day, livePositions.value]);

  const until = day ? Date.parse(`${addDays(day, 1)}T00:00:00Z`) / 1000 : Date.now() / 1000 + 60;
  let newest = '';
  for (const { position_date } of spots) if (position_date > newest) newest = position_date;
  // Collars that are late, or a delay: the tail ends with the newest fix, not with now.
  const end = newest ? Math.min(until, Date.parse(newest) / 1000) : until;
  const shown = { since: Math.floor(end - tail * 3600), until: Math.ceil(end), chosen };
  const label = `Map of ${counted(spots.length, 'lion')}; arrows move it, plus and minus zoom`;

  if (positions.failure && !positions.body && spots.length === 0)
    return (
      <>
        <Heading />
        <section class="card" aria-label="Map">
          <Failed failure={positions.failure} again={positions.reload} />
        </section>
      </>
    );

  return (
    <>
      <Heading />
      <OldData newest={newest} />
      <Totals />
      <div class="map-page">
        <section class="card map-card" aria-label="Map of the lions">
          <div class="map">
            <LionMap
              spots={spots}
              tracks={tracks}
              shown={shown}
              live={day === null}
              choose={choose}
              opens
              label={label}
              frame={fitCount ? String(fitCount) : ''}
            />
            {busy && (
              <span class="badge map-busy" role="status">
                Loading tracks…
              </span>
            )}
            {!busy && failed > 0 && (
              <span class="badge bad map-busy" role="status">
                {counted(failed, 'track')} not loaded
              </span>
            )}
          </div>
          <Legend />
          <div class="map-bar">
            <DaySlider
              lastDay={lastDay}
              days={SLIDER_DAYS}
              today={today}
              ready={!positions.loading && positions.missing !== 'loading'}
            />
            <div class="row">
              <div class="segments" role="group" aria-label="Length of the tracks">
                {TAILS.map(({ hours, name }) => (
                  <button
                    key={hours}
                    type="button"
                    aria-pressed={tail === hours}
                    onClick={() => setTail(hours)}
                    data-testid={`tail-${hours}`}
                  >
                    {name}
                  </button>
                ))}
              </div>
              <button
                type="button"
                class="button icon"
                aria-label="Show all lions"
                title="Show all lions"
                onClick={() => {
                  choose(null);
                  setFitCount(fitCount + 1);
                }}
                data-testid="fit"
              >
                <Icon name="frame" />
              </button>
            </div>
            {positions.answer?.keptSince && (
              <span class="stale" data-testid="stale">
                Kept from {longTime(positions.answer.keptSince)}
              </span>
            )}
          </div>
        </section>
        <LionList spots={spots} chosen={chosen} choose={choose} hint={day ? `End of ${longDay(day)}` : 'Now'}>
          {positions.loading && spots.length === 0 && <Loading lines={8} />}
          {!positions.loading && spots.length === 0 && (
            <Empty title="No fixes yet">There are no positions up to this day.</Empty>
          )}
        </LionList>
      </div>
      <Missing of={positions} shown={spots.length} noun="lion" />
      {spots.length > TRACKS_AT_MOST && (
        <p class="soft small">Tracks of the first {TRACKS_AT_MOST} lions, and of the chosen one.</p>
      )}
    </>
  );
}
