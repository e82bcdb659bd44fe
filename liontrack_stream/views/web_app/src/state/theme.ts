/** Light or dark: as the system has it, until somebody chooses. */

import { signal } from '@preact/signals';

const KEY = 'liontrack.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const chosen = localStorage.getItem(KEY);

export const dark = signal(chosen ? chosen === 'dark' : system.matches);

function apply(): void {
  document.documentElement.dataset.theme = dark.value ? 'dark' : 'light';
}

apply();
system.addEventListener('change', () => {
  if (localStorage.getItem(KEY)) return;
  dark.value = system.matches;
  apply();
});

export function toggleTheme(): void {
  const next = !dark.value;
  if (next === system.matches) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next ? 'dark' : 'light');
  dark.value = next;
  apply();
}

/** The colour that a CSS variable stands for now, as canvases take it. */
export function colourOf(variable: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${variable})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
