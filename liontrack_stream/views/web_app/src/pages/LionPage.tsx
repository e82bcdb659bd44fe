/** One lion: weight, health, fixes, and its track. */

import { useMemo, useState } from 'preact/hooks';
import type { LionBody, LionDay, TrackBody, WeightTrendBody } from '../api/bodies.ts';
import { lionPath, trackPath, weightTrendPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { Chart } from '../components/Chart.tsx';
import { type Column, TableCard } from '../components/DataTable.tsx';
import { BandBadge, Card, Meter, PageHead, Stat, Stats, trendName } from '../components/parts.tsx';
import { Empty, Failed, Show } from '../components/states.tsx';
import { longDay, longTime } from '../lib/days.ts';
import { bandOf, nameOf } from '../lib/health.ts';
import { decimal, distance, NONE, whole } from '../lib/numbers.ts';
import { LionMap } from '../map/LionMap.tsx';
import { trackOf } from '../map/tracks.ts';
import type { Spot } from '../map/view.ts';
import { asOf, to } from '../state/router.ts';

const PERIODS = [
  { hours: 24, name: '24 h' },
  { hours: 72, name: '3 d' },
  { hours: 168, name: '7 d' },
  { hours: 720, name: '30 d' },
];

const DAYS: Column<LionDay>[] = [
  { name: 'UTC day', header: true, cell: (day) => longDay(day.metric_date), by: (day) => day.metric_date },
  { name: 'Health', cell: (day) => <Meter value={day.health_score} />, by: (day) => day.health_score },
  { name: 'Weight (kg)', number: true, cell: (day) => decimal(day.avg_weight), by: (day) => day.avg_weight },
  { name: 'Trend', cell: (day) => trendName(day.weight_trend), by: (day) => day.weight_trend },
  { name: 'Fixes', number: true, cell: (day) => whole(day.tracking_frequency), by: (day) => day.tracking_frequency },
];

function Figures({ body }: { body: LionBody }) {
  const { lion, history } = body;
  const weighed = history.find((day) => day.avg_weight !== null);
  return (
    <Stats label="Latest day with data">
      <Stat
        name="Health"
        value={decimal(lion.health_score)}
        unit="of 100"
        hint={<BandBadge band={bandOf(lion.health_score)} />}
        testid="lion-health"
      />
      <Stat
        name="Weight"
        value={decimal(lion.avg_weight ?? weighed?.avg_weight)}
        unit="kg"
        hint={lion.avg_weight === null && weighed ? longDay(weighed.metric_date) : trendName(lion.weight_trend)}
        testid="lion-weight"
      />
      <Stat
        name="Fixes"
        value={whole(lion.tracking_frequency)}
        unit="that day"
        hint={lion.metric_date ? longDay(lion.metric_date) : NONE}
        testid="lion-fixes"
      />
      <Stat name="Status" value={lion.status} testid="lion-status" />
    </Stats>
  );
}

function HealthChart({ history }: { history: LionDay[] }) {
  if (!history.length) return <Empty title="No days with data" />;
  const days = history.toReversed();
  return (
    <Chart
      title="Health score and fixes per day"
      days={days.map((day) => day.metric_date)}
      range={[0, 105]}
      series={[
        {
          name: 'Fixes',
          unit: 'a day',
          digits: 0,
          colour: '--series-2',
          kind: 'bars',
          values: days.map((day) => day.tracking_frequency),
        },
        { name: 'Health', unit: 'of 100', colour: '--series-1', values: days.map((day) => day.health_score) },
      ]}
      testid="chart-health"
    />
  );
}

function WeightChart({ body }: { body: WeightTrendBody }) {
  if (!body.data.length) return <Empty title="Not weighed in these 30 days" />;
  const series = {
    name: 'Weight',
    unit: 'kg',
    colour: '--series-1',
    values: body.data.map((day) => day.avg_weight),
    low: body.data.map((day) => day.min_weight),
    high: body.data.map((day) => day.max_weight),
  };
  return (
    <Chart
      title="Mean weight per day, with its lowest and highest"
      days={body.data.map((day) => day.date)}
      series={[series]}
      testid="chart-weight"
    />
  );
}

function TrackCard({ id, body }: { id: string; body: LionBody }) {
  const [hours, setHours] = useState(168);
  const track = useApi<TrackBody>(trackPath(id, hours, asOf.value), { live: asOf.value === null });
  const { spots, tracks, shown, found } = useMemo(() => {
    const found = track.body && trackOf(track.body);
    const last = track.body?.features.find((part) => part.id === 'last');
    const at = last?.geometry?.coordinates as number[] | undefined;
    const date = last?.properties.position_date;
    const spot: Spot | null =
      at && date
        ? {
            lion_id: id,
            name: body.lion.name,
            health_score: body.lion.health_score,
            position_date: date,
            lat: at[1] ?? 0,
            lng: at[0] ?? 0,
          }
        : null;
    return {
      found,
      spots: spot ? [spot] : [],
      tracks: new Map(found ? [[id, found]] : []),
      shown: { since: 0, until: Number.MAX_SAFE_INTEGER, chosen: spot ? id : null },
    };
  }, [track.body]);
  const choice = (
    <div class="segments" role="group" aria-label="Period of the track">
      {PERIODS.map((period) => (
        <button
          key={period.hours}
          type="button"
          aria-pressed={hours === period.hours}
          onClick={() => setHours(period.hours)}
          data-testid={`period-${period.hours}`}
        >
          {period.name}
        </button>
      ))}
    </div>
  );
  return (
    <Card title="Track" end={choice} testid="track">
      {track.failure && !track.body ? (
        <Failed failure={track.failure} again={track.reload} />
      ) : (
        <>
          <div class="map small-map">
            <LionMap
              spots={spots}
              tracks={tracks}
              shown={shown}
              live={false}
              choose={() => undefined}
              opens={false}
              label={`Track of ${nameOf(body.lion)}`}
              frame={found ? String(hours) : ''}
            />
            {!track.loading && spots.length === 0 && <p class="notice map-overlay">No fixes in this period.</p>}
          </div>
          <p class="soft small track-line" role="status" data-testid="track-summary">
            {found
              ? `${whole(found.fixes)} fixes, ${distance(found.distance_m)} walked${spots[0] ? `, last fix ${longTime(spots[0].position_date)}` : ''}`
              : 'Loading the track…'}
          </p>
        </>
      )}
    </Card>
  );
}

export function LionPage({ id }: { id: string }) {
  const lion = useApi<LionBody>(lionPath(id, asOf.value), { live: true });
  const weight = useApi<WeightTrendBody>(weightTrendPath(id, asOf.value), { live: true });
  return (
    <>
      <nav aria-label="Way back" class="small">
        <a href={to('lions')}>All lions</a>
      </nav>
      <PageHead title={lion.body ? nameOf(lion.body.lion) : 'Lion'}>
        <span class="mono break">{id}</span>
      </PageHead>
      {lion.failure && !lion.body ? (
        <section class="card" aria-label="Lion">
          <Failed failure={lion.failure} again={lion.reload} />
        </section>
      ) : (
        <>
          <Show of={lion}>{(body) => <Figures body={body} />}</Show>
          <div class="grid">
            <Card title="Weight" hint="30 days" class="w6">
              <Show of={weight}>{(body) => <WeightChart body={body} />}</Show>
            </Card>
            <Card title="Health" hint="Latest 30 days with data" class="w6">
              <Show of={lion}>{(body) => <HealthChart history={body.history} />}</Show>
            </Card>
          </div>
          {lion.body && <TrackCard id={id} body={lion.body} />}
          <TableCard
            title="Days"
            caption="Days of this lion"
            of={lion}
            lines={6}
            columns={DAYS}
            rows={(body) => body.history}
            keyOf={(day) => day.metric_date}
            empty={<Empty title="No days with data" />}
            testid="lion-days"
          />
        </>
      )}
    </>
  );
}
