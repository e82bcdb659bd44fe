/** Line icons on a 24 px grid, drawn for this dashboard. Decoration: names are in the text beside them. */

const PATHS = {
  map: 'M9 4 3 6.5v13L9 17l6 3 6-2.5v-13L15 7 9 4Zm0 0v13m6-10v13',
  lion: 'M12 21c4.5 0 8-3.4 8-8s-3.5-9-8-9-8 4.4-8 9 3.5 8 8 8Zm-3-9.5h.01M15 11.5h.01M12 14v2m-2 1.2c.6.5 1.3.8 2 .8s1.4-.3 2-.8M10.8 14h2.4',
  users:
    'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7Zm-6.5 9a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.5a6.5 6.5 0 0 1 3.5 5.5',
  trophy: 'M8 21h8m-4-5v5M7 4h10v5a5 5 0 0 1-10 0V4Zm0 2H3.5v1.5A3.5 3.5 0 0 0 7 11m10-5h3.5v1.5A3.5 3.5 0 0 1 17 11',
  check: 'M12 3 4.5 6v5.5c0 4.5 3.2 8 7.5 9.5 4.3-1.5 7.5-5 7.5-9.5V6L12 3Zm-3.2 9 2.3 2.3 4.3-4.5',
  flow: 'M4 5h6v5H4V5Zm10 9h6v5h-6v-5ZM10 7.5h4.5a2 2 0 0 1 2 2V14M7 10v4.5a2 2 0 0 0 2 2h5',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm0-13v2m0 14v2M3 12h2m14 0h2M5.6 5.6 7 7m10 10 1.4 1.4M18.4 5.6 17 7M7 17l-1.4 1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z',
  play: 'M8 5.5v13l10.5-6.5L8 5.5Z',
  pause: 'M8.5 5.5v13m7-13v13',
  out: 'M10 5H5v14h5M14 8l4 4-4 4m4-4H9',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 9a7.5 7.5 0 0 1 15 0',
  alert: 'M12 4 2.5 20h19L12 4Zm0 6v4.5m0 2.7v.1',
  empty: 'M4 13h4l1.5 3h5L16 13h4M5.5 5h13L20 13v6H4v-6L5.5 5Z',
  lock: 'M6 11h12v9H6v-9Zm2.5 0V8a3.5 3.5 0 0 1 7 0v3',
  frame: 'M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.7"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
