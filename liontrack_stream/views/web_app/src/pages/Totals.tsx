/** The figures of the whole, above the map: each lion counts as it was last known. */

import type { DashboardBody } from '../api/bodies.ts';
import { dashboardPath } from '../api/paths.ts';
import { useApi } from '../api/use.ts';
import { Stat, Stats } from '../components/parts.tsx';
import { decimal, whole } from '../lib/numbers.ts';
import { asOf } from '../state/router.ts';
import { useDayShare, useLions } from './useLions.ts';

const LAST_KNOWN = 'As last known';

export function Totals() {
  const totals = useApi<DashboardBody>(dashboardPath).body?.dashboard;
  const { sum } = useLions(asOf.value, false);
  const share = useDayShare(asOf.value, totals?.total_lions);
  return (
    <Stats label="Figures of the whole">
      <Stat name="Lions" value={whole(totals?.total_lions)} hint={share} testid="total-lions" />
      <Stat name="Mean health" value={decimal(sum?.health)} unit="of 100" hint={LAST_KNOWN} testid="avg-health" />
      <Stat
        name="Need attention"
        value={whole(sum?.bands.needs_attention)}
        unit={sum?.bands.needs_attention === 1 ? 'lion' : 'lions'}
        hint={LAST_KNOWN}
        testid="needs-attention"
      />
      <Stat name="Mean weight" value={decimal(sum?.weight)} unit="kg" hint={LAST_KNOWN} testid="avg-weight" />
      <Stat name="Data quality" value={decimal(totals?.data_quality_score)} unit="%" testid="data-quality-score" />
    </Stats>
  );
}
