/** Tracks of several lions, asked for a few at a time. */

import { useEffect, useState } from 'preact/hooks';
import type { TrackBody } from '../api/bodies.ts';
import { get } from '../api/client.ts';
import { trackPath } from '../api/paths.ts';
import { epoch, noteAnswer } from '../state/connection.ts';
import { token } from '../state/session.ts';
import { type Track, trackOf } from './tracks.ts';

const AT_ONCE = 3;

/** Tracks by lion_id of the `hours` up to `asOf`, as they arrive. `ids`: lions, joined by a space. */
export function useTracks(
  ids: readonly string[],
  hours: number,
  asOf: string | null,
): { tracks: ReadonlyMap<string, Track>; busy: boolean; failed: number } {
  const key = `${epoch.value} ${token.value} ${hours} ${asOf} ${ids.join('\n')}`;
  const [state, setState] = useState<{ tracks: ReadonlyMap<string, Track>; left: number; failed: number }>({
    tracks: new Map(),
    left: 0,
    failed: 0,
  });

  useEffect(() => {
    const stop = new AbortController();
    const queue = [...ids];
    setState({ tracks: new Map(), left: queue.length, failed: 0 });
    const work = async (): Promise<void> => {
      for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
        let track: Track | null = null;
        let failed = 0;
        try {
          const answer = await get<TrackBody>(trackPath(id, hours, asOf), stop.signal);
          noteAnswer(answer.keptSince);
          track = trackOf(answer.body);
        } catch {
          if (stop.signal.aborted) return;
          failed = 1;
        }
        const found = track;
        setState((old) => ({
          tracks: found ? new Map(old.tracks).set(found.lion_id, found) : old.tracks,
          left: old.left - 1,
          failed: old.failed + failed,
        }));
      }
    };
    for (let n = 0; n < AT_ONCE; n += 1) void work();
    return () => stop.abort();
  }, [key]);

  return { tracks: state.tracks, busy: state.left > 0, failed: state.failed };
}
