/** Records that were refused, by topic and rule. */

import type { BrokenRule, PipelineBody } from '../api/bodies.ts';
import type { Loaded } from '../api/use.ts';
import { type Column, TableCard } from '../components/DataTable.tsx';
import { Empty } from '../components/states.tsx';
import { longTime } from '../lib/days.ts';
import { whole } from '../lib/numbers.ts';

const COLUMNS: Column<BrokenRule>[] = [
  { name: 'Topic', header: true, cell: (row) => <code>{row.topic}</code>, by: (row) => row.topic },
  { name: 'Rule', cell: (row) => <code>{row.rule}</code>, by: (row) => row.rule },
  { name: 'Records', number: true, cell: (row) => whole(row.records), by: (row) => row.records },
  { name: 'Last seen', cell: (row) => longTime(row.last_seen), by: (row) => row.last_seen },
];

export function DeadLetters({ of, hint }: { of: Loaded<PipelineBody>; hint?: string }) {
  return (
    <TableCard
      title="Dead letters"
      hint={hint}
      caption="Dead letters by topic and rule"
      of={of}
      columns={COLUMNS}
      rows={(body) => body.pipeline.dead_letters.rules}
      keyOf={(row) => `${row.topic} ${row.rule}`}
      empty={<Empty title="No dead letters">Every record kept to the contract.</Empty>}
      testid="dead-letters-table"
    />
  );
}
