/** A table that can be sorted by its columns; of very many rows it shows some, and more on demand. */

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Loaded } from '../api/use.ts';
import { whole } from '../lib/numbers.ts';
import { Card, type CardProps } from './parts.tsx';
import { Sideways } from './Sideways.tsx';
import { Show } from './states.tsx';

export interface Column<Row> {
  name: string;
  /** What a cell shows. */
  cell: (row: Row) => ComponentChildren;
  /** What it is sorted by; without it the column cannot be sorted by. */
  by?: (row: Row) => number | string | null | undefined;
  number?: boolean;
  header?: boolean;
}

interface Props<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
  /** The column that the rows are sorted by at first; without it they stay as they are given. */
  first?: number;
  /** What stands there without rows. */
  empty: ComponentChildren;
  testid?: string;
}

const ORDER = new Intl.Collator('en', { numeric: true });
const ROWS_AT_ONCE = 200;

function compare(a: number | string | null | undefined, b: number | string | null | undefined): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1; // nothing comes last
  return typeof a === 'number' && typeof b === 'number' ? a - b : ORDER.compare(String(a), String(b));
}

export function DataTable<Row>({ caption, columns, rows, keyOf, first, empty, testid }: Props<Row>) {
  const [sort, setSort] = useState<{ column: number; down: boolean } | null>(
    first === undefined ? null : { column: first, down: false },
  );
  const [atMost, setAtMost] = useState(ROWS_AT_ONCE);
  if (!rows.length) return <>{empty}</>;
  const by = sort && columns[sort.column]?.by;
  const sorted = by
    ? rows.toSorted((a, b) => {
        const [x, y] = [by(a), by(b)];
        return x == null || y == null || !sort.down ? compare(x, y) : compare(y, x);
      })
    : rows;
  const press = (column: number): void => {
    const down = columns[column]?.number ?? false; // numbers: the highest first
    setSort(sort?.column === column ? { column, down: !sort.down } : { column, down });
  };
  const table = (
    <Sideways label={caption}>
      <table data-testid={testid}>
        <caption class="sr">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column, n) => (
              <th
                key={column.name}
                scope="col"
                class={column.number ? 'num' : ''}
                aria-sort={sort?.column === n ? (sort.down ? 'descending' : 'ascending') : undefined}
              >
                {column.by ? (
                  <button type="button" class="sort" onClick={() => press(n)}>
                    {column.name}
                    <span aria-hidden="true">{sort?.column === n ? (sort.down ? '↓' : '↑') : ''}</span>
                  </button>
                ) : (
                  column.name
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.slice(0, atMost).map((row) => (
            <tr key={keyOf(row)} data-key={keyOf(row)}>
              {columns.map((column) =>
                column.header ? (
                  <th key={column.name} scope="row" class={column.number ? 'num' : ''}>
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.name} class={column.number ? 'num' : ''}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </Sideways>
  );
  return rows.length <= atMost ? (
    table
  ) : (
    <>
      {table}
      <p class="row more">
        <button type="button" class="button" onClick={() => setAtMost(atMost + ROWS_AT_ONCE)}>
          More rows
        </button>
        <span class="soft small">
          {whole(atMost)} of {whole(rows.length)}
        </span>
      </p>
    </>
  );
}

type TableCardProps<Body, Row> = Omit<Props<Row>, 'rows' | 'caption'> &
  Pick<CardProps, 'title' | 'hint' | 'class'> & {
    of: Loaded<Body>;
    rows: (body: Body) => Row[];
    /** Where the title alone would not do. */
    caption?: string;
    /** How many lines stand there while it loads. */
    lines?: number;
  };

/** A card with the table of a body of the API. */
export function TableCard<Body, Row>({
  of,
  rows,
  title,
  hint,
  class: size,
  lines,
  ...table
}: TableCardProps<Body, Row>) {
  return (
    <Card title={title} hint={hint} class={size}>
      <Show of={of} lines={lines}>
        {(body) => <DataTable {...table} caption={table.caption ?? title} rows={rows(body)} />}
      </Show>
    </Card>
  );
}
