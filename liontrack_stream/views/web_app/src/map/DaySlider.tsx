/** Goes through days; playing moves on as soon as a day is there. */

import { useEffect, useState } from 'preact/hooks';
import { Icon } from '../components/icons.tsx';
import { addDays, daysBetween, longDay } from '../lib/days.ts';
import { asOf, setQuery } from '../state/router.ts';

const STEP_MS = 900;

interface Props {
  lastDay: string;
  days: number;
  today: string;
  /** Whether the shown day has loaded. */
  ready: boolean;
}

export function DaySlider({ lastDay, days, today, ready }: Props) {
  const [playing, setPlaying] = useState(false);
  const day = asOf.value ?? today;
  const last = days - 1;
  const value = Math.max(0, last - daysBetween(day, lastDay));
  const show = (n: number): void => {
    const chosen = addDays(lastDay, n - last);
    setQuery({ as_of: chosen >= today ? null : chosen });
  };

  useEffect(() => {
    if (!playing || !ready) return;
    if (value >= last) {
      setPlaying(false);
      return;
    }
    const timer = setTimeout(() => show(value + 1), STEP_MS);
    return () => clearTimeout(timer);
  }, [playing, ready, value]);

  const toggle = (): void => {
    if (!playing && value >= last) show(0);
    setPlaying(!playing);
  };
  const text = asOf.value ? longDay(asOf.value) : 'Now';
  return (
    <div class="slider">
      <button
        type="button"
        class="button icon"
        aria-label={playing ? 'Pause' : 'Play the days'}
        title={playing ? 'Pause' : 'Play the days'}
        onClick={toggle}
        data-testid="play"
      >
        <Icon name={playing ? 'pause' : 'play'} />
      </button>
      <input
        type="range"
        min={0}
        max={last}
        step={1}
        value={value}
        aria-label="Day (UTC)"
        aria-valuetext={text}
        onInput={(event) => {
          setPlaying(false);
          show(event.currentTarget.valueAsNumber);
        }}
        data-testid="day-slider"
      />
      <output data-testid="day">{asOf.value ? `${text} UTC` : text}</output>
    </div>
  );
}
