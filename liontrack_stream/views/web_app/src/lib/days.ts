/** UTC days as texts `YYYY-MM-DD`, and how times are shown. */

const DAY_MS = 86_400_000;

export function dayOf(moment: Date): string {
  return moment.toISOString().slice(0, 10);
}

export function addDays(day: string, days: number): string {
  return dayOf(new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS));
}

/** Days from `from` to `to`. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS);
}

/** Whether a text is a day that exists. */
export function isDay(text: string | null | undefined): text is string {
  if (!text || !/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const moment = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && dayOf(moment) === text;
}

/** Seconds since 1970 of a day or an instant. */
export function seconds(text: string): number {
  return Date.parse(text.length === 10 ? `${text}T00:00:00Z` : text) / 1000;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `25 Nov 2026` */
export function longDay(text: string): string {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number) as [number, number, number];
  return `${day} ${MONTHS[month - 1]} ${year}`;
}

/** `25 Nov` */
export function shortDay(text: string): string {
  return longDay(text).replace(/ \d{4}$/, '');
}

/** `14:05` of an instant, in UTC. */
export function clock(text: string): string {
  return new Date(text).toISOString().slice(11, 16);
}

/** `25 Nov 2026, 14:05 UTC` */
export function longTime(text: string): string {
  const iso = new Date(text).toISOString();
  return `${longDay(iso)}, ${iso.slice(11, 16)} UTC`;
}

/** `3 min ago` */
export function ago(text: string, now: Date): string {
  const seconds = Math.round((now.getTime() - Date.parse(text)) / 1000);
  if (seconds < 0) return 'in the future';
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} days ago`;
}
