/** What the API says in words that its description leaves open, and what the stream tells; its bodies: `bodies.ts`. */

export type Band = 'excellent' | 'good' | 'needs_attention' | 'unknown';

/** `event: position` of the stream. */
export interface PositionEvent {
  lion_id: string;
  position_date: string;
  lat: number;
  lng: number;
  accuracy: number | null;
  fixes: number;
}
