/** The figures of the whole, above the map. */

import { dashboardPath } from '../api/paths.ts';
import type { DashboardBody } from '../api/types.ts';
import { useApi } from '../api/use.ts';
import { Stat, Stats } from '../components/parts.tsx';
import { longDay } from '../lib/days.ts';
import { decimal, NONE, whole } from '../lib/numbers.ts';
import { asOf } from '../state/router.ts';
import { useHealthReport } from './useHealthReport.ts';

export function Totals() {
  const totals = useApi<DashboardBody>(dashboardPath).body?.dashboard;
  const body = useHealthReport(asOf.value).body;
  const report = body?.health_distribution;
  const day = body && longDay(body.report_date);
  return (
    <Stats label="Figures of the whole">
      <Stat name="Lions" value={whole(totals?.total_lions)} testid="total-lions" />
      <Stat name="Mean health" value={decimal(report?.avg_health_score)} unit="of 100" hint={day} testid="avg-health" />
      <Stat
        name="Need attention"
        value={report ? whole(report.needs_attention) : NONE}
        unit="lions"
        hint={day}
        testid="needs-attention"
      />
      <Stat name="Mean weight" value={decimal(report?.avg_weight)} unit="kg" hint={day} testid="avg-weight" />
      <Stat name="Data quality" value={decimal(totals?.data_quality_score)} unit="%" testid="data-quality-score" />
    </Stats>
  );
}
