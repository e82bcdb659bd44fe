/** Records that were refused, by topic and rule. */

import type { PipelineBody } from '../api/types.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Empty } from '../components/states.tsx';
import { longTime } from '../lib/days.ts';
import { whole } from '../lib/numbers.ts';

type Letters = PipelineBody['pipeline']['dead_letters'];
type Rule = Letters['rules'][number];

const COLUMNS: Column<Rule>[] = [
  { name: 'Topic', header: true, cell: (row) => <code>{row.topic}</code>, by: (row) => row.topic },
  { name: 'Rule', cell: (row) => <code>{row.rule}</code>, by: (row) => row.rule },
  { name: 'Records', number: true, cell: (row) => whole(row.records), by: (row) => row.records },
  { name: 'Last seen', cell: (row) => longTime(row.last_seen), by: (row) => row.last_seen },
];

export function DeadLetters({ letters }: { letters: Letters }) {
  if (!letters.rules.length) return <Empty title="No dead letters">Every record kept to the contract.</Empty>;
  return (
    <DataTable
      caption="Dead letters by topic and rule"
      columns={COLUMNS}
      rows={letters.rules}
      keyOf={(row) => `${row.topic} ${row.rule}`}
      testid="dead-letters-table"
    />
  );
}
