import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, ago, daysBetween, isDay, longDay, longTime } from '../src/lib/days.ts';
import { bandOf } from '../src/lib/health.ts';
import { counted, distance, duration, size } from '../src/lib/numbers.ts';
import { EventParser, type ServerEvent } from '../src/lib/sse.ts';
import { sumOf } from '../src/lib/sums.ts';
import { extended, part, trackOf } from '../src/map/tracks.ts';

function eventsOf(...pieces: string[]): ServerEvent[] {
  const found: ServerEvent[] = [];
  const parser = new EventParser((event) => found.push(event));
  for (const piece of pieces) parser.push(piece);
  return found;
}

test('events are the same however the bytes are cut', () => {
  const text = ': hello\r\n\r\nid: 7\nevent: position\ndata: {"a":\ndata: 1}\n\nid\rdata:x\r\n\r\nevent: none\n\n';
  const whole = [
    { event: 'position', data: '{"a":\n1}', id: '7' },
    { event: 'message', data: 'x', id: '' },
  ];
  assert.deepEqual(eventsOf(text), whole);
  for (let cut = 0; cut <= text.length; cut += 1)
    assert.deepEqual(eventsOf(text.slice(0, cut), text.slice(cut)), whole, `cut at ${cut}`);
  assert.deepEqual(eventsOf(...text), whole);
});

test('an event without its empty line is not given out', () => {
  assert.deepEqual(eventsOf('data: 1\n'), []);
});

test('days are UTC and exist', () => {
  assert.equal(addDays('2024-02-28', 1), '2024-02-29');
  assert.equal(addDays('2025-01-01', -1), '2024-12-31');
  assert.equal(daysBetween('2025-03-29', '2025-03-31'), 2);
  assert.ok(isDay('2024-02-29'));
  for (const text of ['2025-02-29', '2025-13-01', '25-01-01', '', 'now', null]) assert.ok(!isDay(text));
  assert.equal(longDay('2026-11-05'), '5 Nov 2026');
  assert.equal(longTime('2026-11-05T23:30:00-02:00'), '6 Nov 2026, 01:30 UTC');
  assert.equal(ago('2026-01-01T00:00:00Z', new Date('2026-01-01T05:10:00Z')), '5 h ago');
});

test('bands are those of the health report', () => {
  assert.deepEqual([81, 80, 60, 59.9, 0, null].map(bandOf), [
    'excellent',
    'good',
    'good',
    'needs_attention',
    'needs_attention',
    'unknown',
  ]);
});

test('numbers carry their units', () => {
  assert.equal(size(999), '999 B');
  assert.equal(size(8_123_456), '8.1 MB');
  assert.equal(distance(640), '640 m');
  assert.equal(distance(12_345), '12.3 km');
  assert.equal(duration(90), '90 s');
  assert.equal(duration(7200), '2 h');
  assert.equal(counted(1, 'lion'), '1 lion');
});

const BODY = {
  type: 'FeatureCollection',
  features: [
    {
      type: 'Feature',
      id: 'track',
      geometry: {
        type: 'MultiLineString',
        coordinates: [
          [
            [22, -24],
            [22.1, -24.1],
          ],
          [
            [23, -25],
            [23.1, -25],
            [23.2, -25],
          ],
        ],
      },
      properties: {
        lion_id: 'a',
        name: null,
        from: '',
        to: '',
        fixes: 5,
        distance_m: 10,
        coordTimes: [
          ['1970-01-01T00:00:00Z', '1970-01-01T00:30:00Z'],
          ['1970-01-01T10:00:00Z', '1970-01-01T10:30:00Z', '1970-01-01T11:00:00Z'],
        ],
      },
    },
  ],
} as const;

test('tracks turn GeoJSON around, and are cut by time', () => {
  const track = trackOf(BODY as never);
  assert.ok(track);
  assert.deepEqual(track.walks[0]?.points, [
    [-24, 22],
    [-24.1, 22.1],
  ]);
  const second = track.walks[1];
  assert.ok(second);
  assert.deepEqual(part(second, 36_000 + 1800, 36_000 + 1800), [[-25, 23.1]]);
  assert.deepEqual(part(second, 0, 1), []);
  assert.deepEqual(part(second, 50_000, 60_000), []);
});

test('a new fix goes on with a track, but not over a gap of more than 4 h, nor backwards', () => {
  const track = trackOf(BODY as never);
  assert.ok(track);
  const end = 11 * 3600;
  assert.equal(extended(track, end + 1800, [0, 0]).walks[1]?.points.length, 4);
  assert.equal(extended(track, end + 4 * 3600 + 1, [0, 0]).walks.length, 3);
  assert.equal(extended(track, end, [0, 0]), track);
});

test('lions in sum: each counts, means are of those that have one', () => {
  const lion = (health_score: number | null, current_weight: number | null) => ({ health_score, current_weight });
  assert.deepEqual(sumOf([lion(90, 180), lion(70, null), lion(50, 120), lion(null, 150)]), {
    lions: 4,
    bands: { excellent: 1, good: 1, needs_attention: 1, unknown: 1 },
    health: 70,
    weight: 150,
  });
  assert.equal(sumOf([]).health, null);
});
