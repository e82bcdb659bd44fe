/** A chart over UTC days, with the same numbers as a table for those who cannot see it. */

import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { longDay, seconds } from '../lib/days.ts';
import { decimal } from '../lib/numbers.ts';
import { colourOf, dark } from '../state/theme.ts';
import { Sideways } from './Sideways.tsx';

export interface Series {
  name: string;
  unit: string;
  digits?: number;
  /** A CSS variable. */
  colour: string;
  values: (number | null)[];
  /** `bars` stand on an axis of their own, at the right. */
  kind?: 'line' | 'bars';
  /** Lowest and highest of each day, drawn as a band behind the line. */
  low?: (number | null)[];
  high?: (number | null)[];
}

interface Props {
  title: string;
  days: string[];
  series: Series[];
  range?: [number, number];
  height?: number;
  testid?: string;
}

type Rows = uPlot.AlignedData;

const FONT = '12px system-ui, sans-serif';

function withAlpha(colour: string, alpha: number): string {
  return colour.replace(/^rgb\(([^)]+)\)$/, `rgba($1, ${alpha})`);
}

function axis(side: number, scale: string, unit: string, grid: boolean): uPlot.Axis {
  return {
    side,
    scale,
    stroke: colourOf('--soft'),
    font: FONT,
    size: 46,
    gap: 4,
    ticks: { show: false },
    grid: { show: grid, stroke: colourOf('--line'), width: 1 },
    values: (_, splits) =>
      splits.map((value) =>
        Number.isInteger(value) || Math.abs(value) < 10 ? `${value}` : `${Number(value.toFixed(1))}`,
      ),
    label: unit,
    labelSize: 18,
    labelFont: FONT,
    labelGap: 0,
  };
}

/** From 0 to a little above the highest of some scores, so that low ones can be told apart. */
export function fromZero(values: (number | null)[]): [number, number] {
  const highest = Math.max(0, ...values.map((value) => value ?? 0));
  return [0, Math.min(105, Math.max(5, highest * 1.15))];
}

/** Room above and below what is drawn, so that a steady weight does not look like a storm. */
function roomy(_: uPlot, low: number | null, high: number | null): uPlot.Range.MinMax {
  if (low == null || high == null) return [0, 1];
  const middle = (low + high) / 2;
  const half = Math.max((high - low) * 0.6, Math.abs(middle) * 0.03, 0.5);
  return [middle - half, middle + half];
}

function build(
  series: Series[],
  range: [number, number] | undefined,
): { options: Omit<uPlot.Options, 'width' | 'height'>; dataOf: (x: number[]) => Rows } {
  const columns: (number | null)[][] = [];
  const drawn: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  for (const one of series) {
    const colour = colourOf(one.colour);
    const scale = one.kind === 'bars' ? 'bars' : 'y';
    if (one.low && one.high) {
      columns.push(one.high, one.low);
      const edge: uPlot.Series = { scale, width: 0, points: { show: false }, spanGaps: true, stroke: 'transparent' };
      drawn.push(edge, { ...edge });
      bands.push({ series: [drawn.length - 2, drawn.length - 1], fill: withAlpha(colour, 0.16) });
    }
    columns.push(one.values);
    drawn.push(
      one.kind === 'bars'
        ? {
            scale,
            stroke: withAlpha(colour, 0.75),
            fill: withAlpha(colour, 0.35),
            width: 0,
            paths: uPlot.paths.bars?.({ size: [0.7, 28], radius: 0.2 }) as uPlot.Series.PathBuilder,
            points: { show: false },
          }
        : {
            scale,
            stroke: colour,
            width: 2.2,
            spanGaps: true,
            points: { show: one.values.length < 120, size: 6, fill: colour, stroke: colour },
          },
    );
  }
  const bars = series.find((one) => one.kind === 'bars');
  const lines = series.find((one) => one.kind !== 'bars');
  const axes: uPlot.Axis[] = [
    {
      stroke: colourOf('--soft'),
      font: FONT,
      ticks: { show: false },
      grid: { show: false },
      size: 30,
      space: 64,
      values: (_, splits) => splits.map(dayLabel),
    },
  ];
  if (lines) axes.push(axis(3, 'y', lines.unit, true));
  if (bars) axes.push(axis(lines ? 1 : 3, 'bars', bars.unit, !lines));
  return {
    options: {
      tzDate: (ts) => uPlot.tzDate(new Date(ts * 1000), 'Etc/UTC'),
      padding: [10, bars && lines ? 4 : 24, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 9 } },
      scales: {
        x: {
          time: true,
          range: (_, low, high) => (low === high ? [low - 43_200, high + 43_200] : [low - 28_800, high + 28_800]),
        },
        y: range ? { range } : { range: roomy },
        bars: { range: (_, __, high) => [0, Math.max(1, (high ?? 1) * 1.15)] },
      },
      axes,
      series: drawn,
      bands,
    },
    dataOf: (x) => [x, ...columns] as Rows,
  };
}

const DAY_S = 86_400;

function dayLabel(value: number): string {
  return value % DAY_S === 0 ? longDay(new Date(value * 1000).toISOString()).replace(/ \d{4}$/, '') : '';
}

function shown(series: Series, n: number): string {
  const value = series.values[n];
  return value == null ? '–' : `${decimal(value, series.digits ?? 1)} ${series.unit}`;
}

export function Chart({ title, days, series, range, height = 240, testid }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number | null>(null);
  const isDark = dark.value;
  const key = JSON.stringify([days, series, range, isDark]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const { options, dataOf } = build(series, range);
    const width = (): number => Math.max(200, element.clientWidth);
    const hooks = { setCursor: [(plot: uPlot) => setAt(plot.cursor.idx ?? null)] };
    const plot = new uPlot({ ...options, hooks, width: width(), height }, dataOf(days.map(seconds)), element);
    const watch = new ResizeObserver(() => plot.setSize({ width: width(), height }));
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [key, height]);

  const n = at ?? days.length - 1;
  return (
    <figure class="chart" data-testid={testid}>
      <figcaption>
        {series.map((one) => (
          <span
            key={one.name}
            class={`key ${one.kind === 'bars' ? 'area' : ''}`}
            style={{ '--dot': `var(${one.colour})` }}
          >
            {one.name} ({one.unit})
          </span>
        ))}
      </figcaption>
      <div
        ref={box}
        class="chart-box"
        style={{ height: `${height}px` }}
        role="img"
        aria-label={`${title}; the numbers are in the table below`}
      />
      <p class="read-out" aria-hidden="true">
        {days[n] &&
          `${longDay(days[n])}: ${series.map((one) => `${one.name.toLowerCase()} ${shown(one, n)}`).join(', ')}`}
      </p>
      <details class="table">
        <summary>Numbers as a table</summary>
        <Sideways label={`${title}, as a table`}>
          <table>
            <caption class="sr">{title}</caption>
            <thead>
              <tr>
                <th scope="col">UTC day</th>
                {series.map((one) => (
                  <th key={one.name} scope="col" class="num">
                    {one.name} ({one.unit})
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {days.map((day, row) => (
                <tr key={day}>
                  <th scope="row">{longDay(day)}</th>
                  {series.map((one) => (
                    <td key={one.name} class="num">
                      {one.values[row] == null ? '–' : decimal(one.values[row], one.digits ?? 1)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Sideways>
      </details>
    </figure>
  );
}
