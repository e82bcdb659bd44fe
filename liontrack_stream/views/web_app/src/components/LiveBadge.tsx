/** Whether what is shown is live, and of when it is if not. */

import { clock, longTime } from '../lib/days.ts';
import { keptSince, reachable } from '../state/connection.ts';
import { liveState, newestFix } from '../state/live.ts';

function words(): { state: string; text: string; more: string } {
  const kept = keptSince.value;
  const state = liveState.value === 'live' && !reachable.value ? 'reconnecting' : liveState.value;
  if (kept && state !== 'live')
    return { state: 'offline', text: `Offline, data of ${clock(kept)} UTC`, more: `Data of ${longTime(kept)}` };
  if (state === 'live') {
    const fix = newestFix.value;
    return { state, text: 'Live', more: fix ? `Newest fix ${longTime(fix)}` : 'New fixes show at once' };
  }
  if (state === 'offline') return { state, text: 'Offline', more: 'Without a network' };
  if (state === 'refused') return { state: 'offline', text: 'Not live', more: 'The token was refused' };
  return {
    state,
    text: state === 'connecting' ? 'Connecting' : 'Reconnecting',
    more: 'Asking the server again and again',
  };
}

export function LiveBadge() {
  const { state, text, more } = words();
  return (
    <span class="live" data-state={state} data-testid="live-state" title={more} role="status" aria-live="polite">
      <span class="dot" aria-hidden="true" />
      {text}
    </span>
  );
}
