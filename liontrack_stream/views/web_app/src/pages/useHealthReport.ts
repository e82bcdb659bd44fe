/** The health report of a day, or of the day before where no lion has data of that day yet. */

import { healthReportPath } from '../api/paths.ts';
import type { HealthReportBody } from '../api/types.ts';
import { type Loaded, useApi } from '../api/use.ts';
import { addDays } from '../lib/days.ts';

export function useHealthReport(asOf: string | null): Loaded<HealthReportBody> {
  const asked = useApi<HealthReportBody>(healthReportPath(asOf), { live: true });
  const empty = asked.body?.health_distribution.total_lions === 0;
  const before = useApi<HealthReportBody>(
    asked.body && empty ? healthReportPath(addDays(asked.body.report_date, -1)) : null,
  );
  return empty && before.body && before.body.health_distribution.total_lions > 0 ? before : asked;
}
