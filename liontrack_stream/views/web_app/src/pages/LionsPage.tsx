/** All lions, how their health is spread, and what they weigh on average. */

import type { Lion, WeightsBody } from '../api/bodies.ts';
import { weightsPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { Chart } from '../components/Chart.tsx';
import { type Column, TableCard } from '../components/DataTable.tsx';
import { Missing } from '../components/Missing.tsx';
import { OldData } from '../components/OldData.tsx';
import { BandBadge, Card, Meter, PageHead } from '../components/parts.tsx';
import { Empty, Show } from '../components/states.tsx';
import { longTime } from '../lib/days.ts';
import { BAND_NAMES, BANDS, bandColour, bandOf, nameOf } from '../lib/health.ts';
import { decimal, NONE, whole, withUnit } from '../lib/numbers.ts';
import type { Sum } from '../lib/sums.ts';
import { asOf, to } from '../state/router.ts';
import { useDayShare, useLions } from './useLions.ts';

const COLUMNS: Column<Lion>[] = [
  { name: 'Lion', header: true, cell: (lion) => <a href={to('lions', lion.lion_id)}>{nameOf(lion)}</a>, by: nameOf },
  { name: 'Health', cell: (lion) => <Meter value={lion.health_score} />, by: (lion) => lion.health_score },
  { name: 'Band', cell: (lion) => <BandBadge band={bandOf(lion.health_score)} /> },
  {
    name: 'Weight (kg)',
    number: true,
    cell: (lion) => decimal(lion.current_weight),
    by: (lion) => lion.current_weight,
  },
  {
    name: 'Fixes',
    number: true,
    cell: (lion) => whole(lion.tracking_frequency),
    by: (lion) => lion.tracking_frequency,
  },
  {
    name: 'Lat. (°)',
    number: true,
    cell: (lion) => decimal(lion.position_lat, 4),
    by: (lion) => lion.position_lat,
  },
  {
    name: 'Lng. (°)',
    number: true,
    cell: (lion) => decimal(lion.position_lng, 4),
    by: (lion) => lion.position_lng,
  },
  {
    name: 'Last fix',
    cell: (lion) => (lion.updated_at ? longTime(lion.updated_at) : NONE),
    by: (lion) => lion.updated_at,
  },
];

function Spread({ sum, share }: { sum: Sum; share: string | undefined }) {
  return (
    <div class="spread">
      <div class="stack" aria-hidden="true">
        {BANDS.map(
          (band) =>
            sum.bands[band] > 0 && <span key={band} style={{ flex: sum.bands[band], background: bandColour(band) }} />,
        )}
      </div>
      <ul class="legend column">
        {BANDS.map((band) => (
          <li key={band} data-testid={`band-${band}`}>
            <span class="dot" style={{ '--dot': bandColour(band) }} />
            {BAND_NAMES[band]} <b>{whole(sum.bands[band])}</b>
          </li>
        ))}
      </ul>
      <p class="soft small" data-testid="health-means">
        Mean health {decimal(sum.health)} of 100, mean weight {withUnit(sum.weight, 'kg')}
      </p>
      {share && (
        <p class="soft small" data-testid="day-share">
          {share}
        </p>
      )}
    </div>
  );
}

function WeightOfAll({ body }: { body: WeightsBody }) {
  if (!body.data.length) return <Empty title="No weights in these 30 days" />;
  const days = body.data.map((day) => day.metric_date);
  const series = [
    { name: 'Mean weight', unit: 'kg', colour: '--series-1', values: body.data.map((day) => day.avg_value) },
  ];
  return (
    <Chart
      title="Mean weight of all lions per day"
      days={days}
      series={series}
      height={200}
      testid="chart-trend-weight"
    />
  );
}

export function LionsPage() {
  const { listed, lions, sum } = useLions(asOf.value, true);
  const share = useDayShare(asOf.value, sum?.lions);
  const weight = useApi<WeightsBody>(weightsPath(asOf.value));
  const newest = lions
    .map((lion) => lion.updated_at ?? '')
    .sort()
    .at(-1);
  return (
    <>
      <PageHead title="Lions">
        Health, weight and how often each collar reports. Choose a lion for its history.
      </PageHead>
      <OldData newest={newest} />
      <div class="grid stretch">
        <Card title="Health of all" hint="As last known" class="w4" testid="health-report">
          <Show of={listed}>{() => sum && <Spread sum={sum} share={share} />}</Show>
        </Card>
        <Card title="Mean weight" hint="30 days" class="w8">
          <Show of={weight}>{(body) => <WeightOfAll body={body} />}</Show>
        </Card>
      </div>
      <TableCard
        title="All lions"
        hint="Sort by a column"
        caption="Lions"
        of={listed}
        lines={8}
        columns={COLUMNS}
        rows={() => lions}
        first={0}
        keyOf={(lion) => lion.lion_id}
        empty={<Empty title="No lions yet">They come with the first events of collars.</Empty>}
        testid="lions-table"
      />
      <Missing of={listed} shown={lions.length} noun="lion" />
    </>
  );
}
