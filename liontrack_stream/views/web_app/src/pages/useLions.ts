/** All lions as they were last known, and how many of them have data of the day itself. */

import { useMemo } from 'preact/hooks';
import type { HealthReportBody, Lion, LionsBody } from '../api/bodies.ts';
import { type Listed, usePages } from '../api/pages.ts';
import { healthReportPath, lionsPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { longDay } from '../lib/days.ts';
import { whole } from '../lib/numbers.ts';
import { type Sum, sumOf } from '../lib/sums.ts';

interface Lions {
  listed: Listed<LionsBody>;
  lions: Lion[];
  /** Null until they are there. */
  sum: Sum | null;
}

export function useLions(asOf: string | null, live: boolean): Lions {
  const listed = usePages<LionsBody>(lionsPath(asOf), { live });
  const lions = useMemo(() => listed.bodies.flatMap((body) => body.lions), [listed.bodies]);
  const sum = useMemo(() => (listed.body ? sumOf(lions) : null), [lions]);
  return { listed, lions, sum };
}

/** `2 of 5 with data today`: the other lions count as they were last known. */
export function useDayShare(asOf: string | null, lions: number | null | undefined): string | undefined {
  const report = useApi<HealthReportBody>(healthReportPath(asOf), { live: true }).body;
  if (!report || lions == null) return undefined;
  const day = asOf === null ? 'today' : `on ${longDay(asOf)}`;
  return `${whole(report.health_distribution.total_lions)} of ${whole(lions)} with data ${day}`;
}
