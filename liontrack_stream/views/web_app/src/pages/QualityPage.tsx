/** Whether the data can be trusted: checks per table, and what was refused. */

import type { DataQualityBody, PipelineBody, SystemHealthBody, TableQuality } from '../api/bodies.ts';
import { dataQualityPath, pipelinePath, systemHealthPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { type Column, TableCard } from '../components/DataTable.tsx';
import { Meter, PageHead, Stat, Stats } from '../components/parts.tsx';
import { Empty, Show } from '../components/states.tsx';
import { clock, longDay, longTime } from '../lib/days.ts';
import { decimal, NONE, whole } from '../lib/numbers.ts';
import { DeadLetters } from './DeadLetters.tsx';

/** 99 % and more is as it should be. */
function colourOfShare(share: number | null): string {
  if (share === null) return 'var(--band-unknown)';
  if (share >= 99) return 'var(--band-excellent)';
  return share >= 95 ? 'var(--band-good)' : 'var(--band-needs-attention)';
}

const COLUMNS: Column<TableQuality>[] = [
  { name: 'Table', header: true, cell: (row) => <code>{row.table_name}</code>, by: (row) => row.table_name },
  {
    name: 'Mean valid (%)',
    cell: (row) => <Meter value={row.avg_quality} colour={colourOfShare(row.avg_quality)} digits={2} />,
    by: (row) => row.avg_quality,
  },
  { name: 'Lowest (%)', number: true, cell: (row) => decimal(row.min_quality, 2), by: (row) => row.min_quality },
  { name: 'Checks', number: true, cell: (row) => whole(row.checks_count), by: (row) => row.checks_count },
  {
    name: 'Last check',
    cell: (row) => (row.last_check ? longTime(row.last_check) : NONE),
    by: (row) => row.last_check,
  },
];

function Health({ body }: { body: SystemHealthBody }) {
  const { health, status } = body;
  return (
    <Stats label="Health of the checks">
      <Stat
        name="System"
        value={<span class={`badge ${status === 'healthy' ? 'good' : 'warn'}`}>{status}</span>}
        testid="system-status"
      />
      <Stat name="Mean quality" value={decimal(health.avg_quality, 2)} unit="%" testid="avg-quality" />
      <Stat name="Checks, last hour" value={whole(health.checks_last_hour)} testid="checks-last-hour" />
      <Stat
        name="Last check"
        value={health.last_check ? clock(health.last_check) : NONE}
        unit="UTC"
        hint={health.last_check && longDay(health.last_check)}
        testid="last-check"
      />
    </Stats>
  );
}

export function QualityPage() {
  const health = useApi<SystemHealthBody>(systemHealthPath, { refreshS: 30 });
  const quality = useApi<DataQualityBody>(dataQualityPath, { refreshS: 30 });
  const pipeline = useApi<PipelineBody>(pipelinePath, { refreshS: 30 });
  return (
    <>
      <PageHead title="Data quality" day={false}>
        Every record is counted: valid, flagged, or refused with its rule. Nothing is dropped silently.
      </PageHead>
      <Show of={health}>{(body) => <Health body={body} />}</Show>
      <TableCard
        title="Tables"
        hint="Checks of 7 days"
        caption="Data quality per table"
        of={quality}
        lines={6}
        columns={COLUMNS}
        rows={(body) => body.data_quality}
        keyOf={(row) => row.table_name}
        empty={<Empty title="No checks in these 7 days">A worker writes the first ones within a minute.</Empty>}
        testid="quality-table"
      />
      <DeadLetters of={pipeline} hint="Records that broke the contract, kept with their bytes" />
    </>
  );
}
