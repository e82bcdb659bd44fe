/** How far the worker is: lag, runs, dead letters, and the lake. */

import type { PartitionState, PipelineBody, RunState } from '../api/bodies.ts';
import { pipelinePath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { type Column, TableCard } from '../components/DataTable.tsx';
import { PageHead, Stat, Stats } from '../components/parts.tsx';
import { Empty, Show } from '../components/states.tsx';
import { longTime } from '../lib/days.ts';
import { decimal, duration, NONE, size, whole } from '../lib/numbers.ts';
import { DeadLetters } from './DeadLetters.tsx';

const PARTITIONS: Column<PartitionState>[] = [
  { name: 'Topic', header: true, cell: (row) => <code>{row.topic}</code>, by: (row) => row.topic },
  { name: 'Partition', number: true, cell: (row) => row.partition, by: (row) => row.partition },
  { name: 'Next offset', number: true, cell: (row) => whole(row.next_offset), by: (row) => row.next_offset },
  { name: 'Lag (records)', number: true, cell: (row) => whole(row.lag_records), by: (row) => row.lag_records },
  { name: 'Moved', cell: (row) => longTime(row.updated_at), by: (row) => row.updated_at },
];

const STATUS_CLASS: Record<string, string> = {
  success: 'good',
  completed: 'good',
  ok: 'good',
  running: 'warn',
  failed: 'bad',
  error: 'bad',
};

function lasted(run: RunState): string {
  const seconds = run.end_time && (Date.parse(run.end_time) - Date.parse(run.start_time)) / 1000;
  if (!seconds) return NONE;
  return seconds < 10 ? `${decimal(seconds)} s` : duration(seconds);
}

const RUNS: Column<RunState>[] = [
  { name: 'Pipeline', header: true, cell: (run) => run.pipeline_name, by: (run) => run.pipeline_name },
  {
    name: 'Status',
    cell: (run) => <span class={`badge ${STATUS_CLASS[run.status.toLowerCase()] ?? ''}`}>{run.status}</span>,
    by: (run) => run.status,
  },
  { name: 'Records', number: true, cell: (run) => whole(run.processed_records), by: (run) => run.processed_records },
  { name: 'Errors', number: true, cell: (run) => whole(run.error_count), by: (run) => run.error_count },
  { name: 'Began', cell: (run) => longTime(run.start_time), by: (run) => run.start_time },
  {
    name: 'Took',
    number: true,
    cell: lasted,
    by: (run) => (run.end_time ? Date.parse(run.end_time) - Date.parse(run.start_time) : null),
  },
];

function Figures({ body }: { body: PipelineBody }) {
  const { lag_records, dead_letters, lake } = body.pipeline;
  return (
    <Stats label="State of the pipeline">
      <Stat name="Lag" value={whole(lag_records)} unit="records" hint="Not yet stored" testid="lag" />
      <Stat
        name="Dead letters"
        value={whole(dead_letters.total)}
        hint={`${whole(dead_letters.last_24h)} in 24 h`}
        testid="dead-letters"
      />
      <Stat
        name="Lake"
        value={size(lake.bytes)}
        hint={`${whole(lake.files)} files, ${whole(lake.rows)} rows`}
        testid="lake-size"
      />
      <Stat
        name="Lake's lag"
        value={whole(lake.lag_records)}
        unit="records"
        hint={
          lake.error ? (
            <span class="badge bad">Export fails</span>
          ) : lake.lag_s === null || lake.lag_s < 1 ? (
            'Exported'
          ) : (
            `${duration(lake.lag_s)} behind`
          )
        }
        testid="lake-lag"
      />
    </Stats>
  );
}

export function PipelinePage() {
  const pipeline = useApi<PipelineBody>(pipelinePath, { refreshS: 10, live: true });
  return (
    <>
      <PageHead title="Pipeline" day={false}>
        From Kafka into PostgreSQL and the Parquet lake, each record exactly once.
      </PageHead>
      <Show of={pipeline}>{(body) => <Figures body={body} />}</Show>
      <TableCard
        title="Latest runs"
        of={pipeline}
        columns={RUNS}
        rows={(body) => body.pipeline.runs}
        keyOf={(run) => run.pipeline_run_id}
        empty={<Empty title="No runs yet" />}
        testid="runs-table"
      />
      <DeadLetters of={pipeline} />
      <TableCard
        title="Partitions"
        hint="Where each topic's partition is read"
        of={pipeline}
        lines={8}
        columns={PARTITIONS}
        rows={(body) => body.pipeline.partitions}
        keyOf={(row) => `${row.topic} ${row.partition}`}
        empty={<Empty title="Nothing was read yet" />}
        testid="partitions-table"
      />
    </>
  );
}
