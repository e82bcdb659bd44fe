/** Numbers as people read them; `–` where there is none. */

export const NONE = '–';

export function whole(value: number | null | undefined): string {
  return value == null ? NONE : Math.round(value).toLocaleString('en-GB');
}

export function decimal(value: number | null | undefined, digits = 1): string {
  return value == null
    ? NONE
    : value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function withUnit(value: number | null | undefined, unit: string, digits = 1): string {
  return value == null ? NONE : `${decimal(value, digits)} ${unit}`;
}

/** `12.3 km` or `640 m` of metres. */
export function distance(metres: number | null | undefined): string {
  if (metres == null) return NONE;
  return metres < 1000 ? `${whole(metres)} m` : `${decimal(metres / 1000)} km`;
}

/** `1.2 MB` of bytes, in powers of 1000. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${decimal(value, unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** `42 s`, `3 min`, `5 h`, `2 days` of seconds. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null) return NONE;
  if (seconds < 120) return `${whole(seconds)} s`;
  if (seconds < 7200) return `${whole(seconds / 60)} min`;
  if (seconds < 172_800) return `${whole(seconds / 3600)} h`;
  return `${whole(seconds / 86_400)} days`;
}

/** `1 lion`, `2 lions`. */
export function counted(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}
