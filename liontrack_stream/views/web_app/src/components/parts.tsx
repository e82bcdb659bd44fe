/** Small parts of pages. */

import type { ComponentChildren } from 'preact';
import type { Band } from '../api/types.ts';
import { BAND_NAMES, bandColour, bandOf } from '../lib/health.ts';
import { decimal, NONE } from '../lib/numbers.ts';
import { AsOf } from './AsOf.tsx';

/** The heading of a page, what it is about, and the day that it shows. */
export function PageHead({
  title,
  children,
  day = true,
  end,
}: {
  title: string;
  children: ComponentChildren;
  day?: boolean;
  end?: ComponentChildren;
}) {
  return (
    <header class="page-head">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        <p>{children}</p>
      </div>
      {end}
      {day && <AsOf />}
    </header>
  );
}

export interface CardProps {
  title: string;
  hint?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
  testid?: string;
  end?: ComponentChildren;
}

export function Card({ title, hint, children, class: size = '', testid, end }: CardProps) {
  return (
    <section class={`card ${size}`} aria-label={title} data-testid={testid}>
      <div class="card-head">
        <h2>{title}</h2>
        {hint && <p>{hint}</p>}
        {end}
      </div>
      {children}
    </section>
  );
}

export function Stats({ children, label }: { children: ComponentChildren; label: string }) {
  return (
    <dl class="stats" aria-label={label}>
      {children}
    </dl>
  );
}

/** One figure. `value` carries its unit. */
export function Stat({
  name,
  value,
  unit,
  hint,
  testid,
}: {
  name: string;
  value: ComponentChildren;
  unit?: string;
  hint?: ComponentChildren;
  testid?: string;
}) {
  return (
    <div class="stat" data-testid={testid}>
      <dt>{name}</dt>
      <dd>
        <span class="figure">
          {value} {unit && value !== NONE && <small>{unit}</small>}
        </span>
        {hint && <div class="hint">{hint}</div>}
      </dd>
    </div>
  );
}

export function BandBadge({ band }: { band: Band }) {
  return (
    <span class="badge">
      <span class="dot" style={{ '--dot': bandColour(band) }} />
      {BAND_NAMES[band]}
    </span>
  );
}

/** A bar of 0-100 with its number, in the colour of the band or a given one. */
export function Meter({
  value,
  colour,
  max = 100,
  digits = 1,
}: {
  value: number | null;
  colour?: string;
  max?: number;
  digits?: number;
}) {
  if (value === null) return <span class="soft">{NONE}</span>;
  const share = Math.max(0, Math.min(100, (100 * value) / (max || 1)));
  return (
    <span class="meter">
      <span aria-hidden="true">
        <i style={{ width: `${share}%`, '--bar': colour ?? bandColour(bandOf(value)) }} />
      </span>
      <span class="meter-value">{decimal(value, digits)}</span>
    </span>
  );
}

const TREND_NAMES: Record<string, string> = {
  gaining: '↗ gaining',
  stable: '→ stable',
  losing: '↘ losing',
  unknown: 'unknown',
};

export function trendName(trend: string | null): string {
  return trend === null ? NONE : (TREND_NAMES[trend] ?? trend);
}
