/** All lions, how their health is spread, and what they weigh on average. */

import { useState } from 'preact/hooks';
import { getPages } from '../api/client.ts';
import { lionsPath, weightsPath } from '../api/paths.ts';
import type { HealthReportBody, Lion, LionsBody, WeightTrendDays } from '../api/types.ts';
import { useApi } from '../api/use.ts';
import { Chart } from '../components/Chart.tsx';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { OldData } from '../components/OldData.tsx';
import { BandBadge, Card, Meter, PageHead } from '../components/parts.tsx';
import { Empty, Show } from '../components/states.tsx';
import { longDay, longTime } from '../lib/days.ts';
import { BAND_NAMES, bandColour, bandOf, nameOf } from '../lib/health.ts';
import { decimal, NONE, whole, withUnit } from '../lib/numbers.ts';
import { asOf, to } from '../state/router.ts';
import { useHealthReport } from './useHealthReport.ts';

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

function Spread({ report }: { report: HealthReportBody }) {
  const { excellent_health, good_health, needs_attention, total_lions, avg_health_score, avg_weight } =
    report.health_distribution;
  const known = excellent_health + good_health + needs_attention;
  const parts = [
    { band: 'excellent' as const, count: excellent_health },
    { band: 'good' as const, count: good_health },
    { band: 'needs_attention' as const, count: needs_attention },
    { band: 'unknown' as const, count: Math.max(0, total_lions - known) },
  ];
  return (
    <div class="spread">
      <div class="stack" aria-hidden="true">
        {parts.map(
          ({ band, count }) => count > 0 && <span key={band} style={{ flex: count, background: bandColour(band) }} />,
        )}
      </div>
      <ul class="legend column">
        {parts.map(({ band, count }) => (
          <li key={band} data-testid={`band-${band}`}>
            <span class="dot" style={{ '--dot': bandColour(band) }} />
            {BAND_NAMES[band]} <b>{whole(count)}</b>
          </li>
        ))}
      </ul>
      <p class="soft small">
        Mean health {decimal(avg_health_score)} of 100, mean weight {withUnit(avg_weight, 'kg')}{' '}
      </p>
    </div>
  );
}

function WeightOfAll({ body }: { body: WeightTrendDays }) {
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

const PAGES_AT_ONCE = 1;

/** What comes after the first page of lions, when somebody asks for it. */
function More({ url, add }: { url: string; add: (lions: Lion[], next: string | null) => void }) {
  const [busy, setBusy] = useState(false);
  const load = async (): Promise<void> => {
    setBusy(true);
    try {
      const { answers } = await getPages<LionsBody>(url, PAGES_AT_ONCE);
      add(
        answers.flatMap((answer) => answer.body.lions),
        answers.at(-1)?.next ?? null,
      );
    } catch {
      setBusy(false); // the button stays, to try again
    }
  };
  return (
    <button type="button" class="button more" disabled={busy} onClick={() => void load()}>
      {busy ? 'Loading…' : 'More lions'}
    </button>
  );
}

function List({ first, next }: { first: Lion[]; next: string | null }) {
  const [more, setMore] = useState<{ after: string | null; lions: Lion[]; next: string | null }>({
    after: null,
    lions: [],
    next: null,
  });
  const isMore = more.after !== null && more.after === next;
  const rows = isMore ? [...first, ...more.lions] : first;
  const rest = isMore ? more.next : next;
  if (!rows.length) return <Empty title="No lions yet">They come with the first events of collars.</Empty>;
  return (
    <>
      <DataTable
        caption="Lions"
        columns={COLUMNS}
        rows={rows}
        first={0}
        keyOf={(lion) => lion.lion_id}
        testid="lions-table"
      />
      {rest && next && (
        <More
          key={rest}
          url={rest}
          add={(lions, after) =>
            setMore({ after: next, lions: isMore ? [...more.lions, ...lions] : lions, next: after })
          }
        />
      )}
    </>
  );
}

export function LionsPage() {
  const lions = useApi<LionsBody>(lionsPath(asOf.value), { live: true });
  const report = useHealthReport(asOf.value);
  const weight = useApi<WeightTrendDays>(weightsPath(asOf.value));
  const newest = lions.body?.lions
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
        <Card
          title="Health of all"
          hint={report.body ? longDay(report.body.report_date) : ''}
          class="w4"
          testid="health-report"
        >
          <Show of={report}>{(body) => <Spread report={body} />}</Show>
        </Card>
        <Card title="Mean weight" hint="30 days" class="w8">
          <Show of={weight}>{(body) => <WeightOfAll body={body} />}</Show>
        </Card>
      </div>
      <Card title="All lions" hint="Sort by a column">
        <Show of={lions} lines={8}>
          {(body) => <List first={body.lions} next={lions.answer?.next ?? null} />}
        </Show>
      </Card>
    </>
  );
}
