/** What is missing of a list that came in pages. */

import type { Listed } from '../api/pages.ts';
import { counted } from '../lib/numbers.ts';

export function Missing<T>({ of, shown, noun }: { of: Listed<T>; shown: number; noun: string }) {
  if (of.missing === null) return null;
  return (
    <p class="row soft small" role="status" data-testid="missing">
      {of.missing === 'loading' && `The first ${counted(shown, noun)}; the others are loading…`}
      {of.missing === 'too many' && `The first ${counted(shown, noun)}: there are more than can be shown at once.`}
      {of.missing === 'failed' && (
        <>
          The first {counted(shown, noun)}; the others could not be loaded.
          <button type="button" class="button" onClick={of.reload}>
            Try again
          </button>
        </>
      )}
    </p>
  );
}
