/** Bands of the health score, as the health report draws them. */

import type { Band } from '../api/types.ts';

export const BANDS: Band[] = ['excellent', 'good', 'needs_attention', 'unknown'];

export const BAND_NAMES: Record<Band, string> = {
  excellent: 'Excellent',
  good: 'Good',
  needs_attention: 'Needs attention',
  unknown: 'Unknown',
};

/** Excellent above 80, good from 60. */
export function bandOf(score: number | null | undefined): Band {
  if (score == null) return 'unknown';
  if (score > 80) return 'excellent';
  return score >= 60 ? 'good' : 'needs_attention';
}

export function bandColour(band: Band): string {
  return `var(--band-${band.replace('_', '-')})`;
}

/** Simulated lions say so in their names. */
export function nameOf(lion: { lion_id: string; name: string | null }): string {
  return lion.name ?? lion.lion_id;
}
