/** Where lions walked: tracks with a time for each point, and parts of them. */

import type { MultiLineString } from 'geojson';
import type { TrackBody } from '../api/bodies.ts';

/** One unbroken walk; times in seconds since 1970, ascending. */
export interface Walk {
  points: [lat: number, lng: number][];
  times: number[];
}

export interface Track {
  lion_id: string;
  walks: Walk[];
  distance_m: number | null;
  fixes: number;
}

/** The walks of a GeoJSON track. */
export function trackOf(body: TrackBody): Track | null {
  const line = body.features.find((found) => found.id === 'track');
  if (!line) return null;
  const { lion_id, coordTimes = [], distance_m = null, fixes = 0 } = line.properties;
  const lines = (line.geometry as MultiLineString | null)?.coordinates ?? [];
  const walks = lines.map((positions, n) => ({
    points: positions.map(([lng = 0, lat = 0]): [number, number] => [lat, lng]),
    times: (coordTimes[n] ?? []).map((time) => Date.parse(time) / 1000),
  }));
  return { lion_id, walks, distance_m, fixes };
}

/** The points of a walk from `since` to `until`, both seconds and both included. */
export function part(walk: Walk, since: number, until: number): Walk['points'] {
  const first = walk.times.findIndex((time) => time >= since);
  if (first < 0) return [];
  let end = walk.times.length;
  while (end > first && (walk.times[end - 1] as number) > until) end -= 1;
  return walk.points.slice(first, end);
}

const GAP_S = 4 * 3600;

/** A track that goes on to a new fix, as the API would draw it: no line over a gap of more than 4 h. */
export function extended(track: Track, time: number, point: [number, number]): Track {
  const last = track.walks.at(-1);
  const end = last?.times.at(-1);
  if (!last || end === undefined || time - end > GAP_S)
    return { ...track, walks: [...track.walks, { points: [point], times: [time] }] };
  if (time <= end) return track;
  const walk = { points: [...last.points, point], times: [...last.times, time] };
  return { ...track, walks: [...track.walks.slice(0, -1), walk] };
}
