/** Reads server-sent events from a response's body (EventSource cannot send an Authorization header). */

export interface ServerEvent {
  event: string;
  data: string;
  id: string | null;
}

/** Splits a text that arrives in pieces into events, as the HTML standard says. */
export class EventParser {
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id: string | null = null;

  constructor(private readonly emit: (event: ServerEvent) => void) {}

  push(piece: string): void {
    const text = this.#rest + piece;
    // A lone \r at the end may be half of \r\n.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === '') this.#dispatch();
    if (line === '' || line.startsWith(':')) return;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
  }

  #dispatch(): void {
    if (this.#data.length) this.emit({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id });
    this.#event = '';
    this.#data = [];
  }
}

/** Calls `emit` for each event until the body ends; `alive` for each piece, heartbeats too. */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  emit: (event: ServerEvent) => void,
  alive: () => void,
): Promise<void> {
  const parser = new EventParser(emit);
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    parser.push(decoder.decode(value, { stream: true }));
  }
}
