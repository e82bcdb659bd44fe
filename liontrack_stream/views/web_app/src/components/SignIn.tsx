/** The dialog that takes a token. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { MeBody } from '../api/bodies.ts';
import { mePath } from '../api/paths.ts';
import { signIn, signInReason, signOut, token } from '../state/session.ts';

const COMMAND = 'liontrack token --id u1 --role ranger';

/** Asks the server whether it takes a token; returns why not, or null. */
async function check(text: string): Promise<string | null> {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return 'This is no token: it has three parts with dots between.';
  try {
    const response = await fetch(mePath, { headers: { Authorization: `Bearer ${text}` }, cache: 'no-store' });
    if (response.ok)
      return ((await response.json()) as MeBody).user_id === null ? 'The server took this for nobody.' : null;
    const body = await response.json().catch(() => ({}));
    return `The server refused the token: ${body.detail ?? response.statusText}`;
  } catch {
    return 'The server cannot be reached.';
  }
}

export function SignIn() {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [remember, setRemember] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const reason = signInReason.value;

  useEffect(() => {
    if (reason !== null && !dialog.current?.open) {
      setError(null);
      dialog.current?.showModal();
    } else if (reason === null && dialog.current?.open) dialog.current.close();
  }, [reason]);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const given = text.trim().replace(/^Bearer\s+/i, '');
    setBusy(true);
    const problem = await check(given);
    setBusy(false);
    setError(problem);
    if (problem !== null) return;
    setText('');
    signIn(given, remember);
  };

  const closed = (): void => {
    // Whoever waves the question about a refused token away goes on without one.
    if (signInReason.value && token.value !== null) signOut();
    signInReason.value = null;
    setText('');
  };

  return (
    <dialog ref={dialog} aria-labelledby="sign-in-title" onClose={closed} data-testid="sign-in-dialog">
      <form class="dialog" onSubmit={(event) => void submit(event)}>
        <h2 id="sign-in-title">Sign in</h2>
        {reason && (
          <p class="error" role="alert" data-testid="sign-in-reason">
            Please sign in again: {reason}
          </p>
        )}
        <p class="soft">
          Rangers and admins see exact, current positions; a user sees its own activity, an admin everyone's. Whoever
          runs the server makes a token with
        </p>
        <pre>
          <code>{COMMAND}</code>
        </pre>
        <div class="field">
          <label for="token">Token</label>
          <textarea
            id="token"
            class="input"
            required
            autoComplete="off"
            spellcheck={false}
            value={text}
            aria-describedby={error ? 'token-error' : undefined}
            aria-invalid={error !== null}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          {error && (
            <p id="token-error" class="error" role="alert">
              {error}
            </p>
          )}
        </div>
        <label class="check">
          <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.currentTarget.checked)} />
          <span>
            Remember on this device
            <br />
            <span class="soft small">Otherwise it is forgotten with this tab.</span>
          </span>
        </label>
        <div class="row end">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="submit" class="button primary" disabled={busy}>
            {busy ? 'Asking the server…' : 'Sign in'}
          </button>
        </div>
      </form>
    </dialog>
  );
}
