/** Lions in sum, each by what was last known of it. */

import type { Lion } from '../api/bodies.ts';
import type { Band } from '../api/types.ts';
import { bandOf } from './health.ts';

export interface Sum {
  lions: number;
  bands: Record<Band, number>;
  /** Means over the lions that have one; null where none has. */
  health: number | null;
  weight: number | null;
}

function mean(values: (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
}

export function sumOf(lions: readonly Pick<Lion, 'health_score' | 'current_weight'>[]): Sum {
  const bands: Sum['bands'] = { excellent: 0, good: 0, needs_attention: 0, unknown: 0 };
  for (const lion of lions) bands[bandOf(lion.health_score)] += 1;
  return {
    lions: lions.length,
    bands,
    health: mean(lions.map((lion) => lion.health_score)),
    weight: mean(lions.map((lion) => lion.current_weight)),
  };
}
