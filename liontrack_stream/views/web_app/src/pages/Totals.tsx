/** The figures of the whole, above the map. */

import { dashboardPath, healthReportPath } from '../api/paths.ts';
import type { DashboardBody, HealthReportBody } from '../api/types.ts';
import { useApi } from '../api/use.ts';
import { Stat, Stats } from '../components/parts.tsx';
import { decimal, NONE, whole } from '../lib/numbers.ts';
import { asOf } from '../state/router.ts';

export function Totals() {
  const totals = useApi<DashboardBody>(dashboardPath).body?.dashboard;
  const report = useApi<HealthReportBody>(healthReportPath(asOf.value), { live: true }).body?.health_distribution;
  return (
    <Stats label="Figures of the whole">
      <Stat name="Lions" value={whole(totals?.total_lions)} testid="total-lions" />
      <Stat name="Mean health" value={decimal(report?.avg_health_score)} unit="of 100" testid="avg-health" />
      <Stat
        name="Need attention"
        value={report ? whole(report.needs_attention) : NONE}
        unit="lions"
        testid="needs-attention"
      />
      <Stat name="Mean weight" value={decimal(report?.avg_weight)} unit="kg" testid="avg-weight" />
      <Stat name="Data quality" value={decimal(totals?.data_quality_score)} unit="%" testid="data-quality-score" />
    </Stats>
  );
}
