/** A table that can be sorted by its columns. */

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

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
  testid?: string;
}

function compare(a: number | string | null | undefined, b: number | string | null | undefined): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1; // nothing comes last
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : String(a).localeCompare(String(b), 'en', { numeric: true });
}

export function DataTable<Row>({ caption, columns, rows, keyOf, first, testid }: Props<Row>) {
  const [sort, setSort] = useState<{ column: number; down: boolean } | null>(
    first === undefined ? null : { column: first, down: false },
  );
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
  return (
    <div class="table-wrap" tabIndex={0} role="group" aria-label={caption}>
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
          {sorted.map((row) => (
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
    </div>
  );
}
