/** The map as a component. */

import * as L from 'leaflet';
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { livePositions } from '../state/live.ts';
import { dark } from '../state/theme.ts';
import { Popup } from './Popup.tsx';
import { part, type Track } from './tracks.ts';
import { MapView, type Shown, type Spot } from './view.ts';

interface Props {
  spots: readonly Spot[];
  tracks: ReadonlyMap<string, Track>;
  shown: Shown;
  live: boolean;
  choose: (lionId: string) => void;
  /** Whether choosing a lion opens what is known of it. */
  opens: boolean;
  label: string;
  /** When this changes, the map turns to what is shown. */
  frame: string;
}

function popupOf(spot: Spot): HTMLElement {
  const element = document.createElement('div');
  render(<Popup spot={spot} />, element);
  return element;
}

/** The box around what is shown of a track. */
function boundsOf(track: Track | undefined, { since, until }: Shown): L.LatLngBounds | null {
  const points = track?.walks.flatMap((walk) => part(walk, since, until)) ?? [];
  return points.length > 1 ? L.latLngBounds(points) : null;
}

export function LionMap({ spots, tracks, shown, live, choose, opens, label, frame }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const view = useRef<MapView | null>(null);
  const latest = useRef(choose);
  latest.current = choose;
  const [problem, setProblem] = useState(false);
  const isDark = dark.value;

  useEffect(() => {
    if (!element.current) return;
    const made = new MapView(element.current, (id) => latest.current(id), popupOf);
    view.current = made;
    made.drawWorld().catch(() => setProblem(true));
    const watch = new ResizeObserver(() => made.map.invalidateSize());
    watch.observe(element.current);
    return () => {
      watch.disconnect();
      made.close();
      view.current = null;
    };
  }, []);

  useEffect(() => view.current?.recolour(), [isDark]);
  useEffect(
    () => view.current?.showTracks(tracks, spots, shown),
    [tracks, spots, shown.since, shown.until, shown.chosen, isDark],
  );
  useEffect(() => view.current?.showSpots(spots, shown.chosen), [spots, shown.chosen, isDark]);
  // A chosen lion of the address: its pin and its track come later.
  const there = spots.some((spot) => spot.lion_id === shown.chosen);
  const drawn = shown.chosen !== null && tracks.has(shown.chosen);
  useEffect(() => {
    if (shown.chosen) view.current?.visit(shown.chosen, boundsOf(tracks.get(shown.chosen), shown), opens);
    else if (frame) view.current?.fit(spots);
  }, [shown.chosen, frame, there, drawn]);

  const pulses = livePositions.value;
  const pulsed = useRef(pulses);
  useEffect(() => {
    if (live) for (const [id, event] of pulses) if (pulsed.current.get(id) !== event) view.current?.pulse(id);
    pulsed.current = pulses;
  }, [pulses, live]);

  return (
    <>
      <div ref={element} class="map-canvas" role="application" aria-label={label} data-testid="map" />
      {problem && (
        <p class="notice map-overlay" role="status">
          The countries could not be loaded; the lions are drawn all the same.
        </p>
      )}
    </>
  );
}
