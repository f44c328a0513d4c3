// A call whose chunks are read while it runs: they wait for their reader in here, a window of them at most, and a reader that goes
// ends the call.
import type { ChunkReader, StreamHead } from './call-stream.ts';
import { SeedError } from '#lib/error.ts';
import type { Invoked, InvokeRequest } from './invoke-request.ts';
import type { Parked } from './parked-call.ts';

/** A reader that has taken nothing for so long is gone, whatever its connection says: it holds an instance up. */
const STALLED_MS = 60_000;

export interface OpenStream extends StreamHead {
  /** JSON texts. Ends when the call has ended well. @throws SeedError as `Runtime.invoke` does, when it has not */
  chunks: AsyncIterable<string>;
  /** After the last chunk. */
  ended: Promise<Invoked>;
}

export interface OpenStreamOptions {
  /** Default 60000. */
  stalledMs?: number;
}

/**
 * Calls an agent that may stream. Resolves when it begins to, before any of its code has run, or else with its answer, or when it is parked.
 * @throws SeedError as `Runtime.invokeOrPark` does: of a stream, what goes wrong before it begins
 */
export async function openStream(
  runtime: { invokeOrPark(request: InvokeRequest): Promise<Invoked | Parked> },
  request: Omit<InvokeRequest, 'reader'>,
  { stalledMs = STALLED_MS }: OpenStreamOptions = {},
): Promise<Invoked | Parked | OpenStream> {
  const leaving = new AbortController();
  const begun = Promise.withResolvers<StreamHead>();
  const queue = new ChunkQueue({ begin: begun.resolve, stalledMs, stalled: () => leaving.abort() });
  const { signal } = request;
  const answer = runtime.invokeOrPark({
    ...request,
    signal: () => (signal === undefined ? leaving.signal : AbortSignal.any([signal(), leaving.signal])),
    reader: queue,
  });
  const close = (): void => queue.close();
  answer.then(close, close);
  const first = await Promise.race([begun.promise, answer]);
  if ('state' in first) return first;
  const ended = answer.then(neverParked);
  // Whoever reads the chunks is told.
  ended.catch(() => undefined);
  return { ...first, ended, chunks: { [Symbol.asyncIterator]: () => chunksOf(queue, { ended, leave: () => leaving.abort() }) } };
}

function neverParked(answer: Invoked | Parked): Invoked {
  if (answer.state === 'done') return answer;
  throw new SeedError('internal', `the stream ${answer.callId} was parked`);
}

async function* chunksOf(
  queue: ChunkQueue,
  { ended, leave }: { ended: Promise<Invoked>; leave: () => void },
): AsyncGenerator<string, void, undefined> {
  try {
    for (let json = await queue.next(); json !== undefined; json = await queue.next()) yield json;
    await ended;
  } finally {
    leave();
  }
}

/** Chunks on their way to their reader: each is taken when it asks for it, and its writer is told then. */
class ChunkQueue implements ChunkReader {
  readonly #options: { begin: (head: StreamHead) => void; stalled: () => void; stalledMs: number };
  #chunks: { json: string; taken: () => void }[] = [];
  #reader: ((json: string | undefined) => void) | null = null;
  #stalled: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: { begin: (head: StreamHead) => void; stalled: () => void; stalledMs: number }) {
    this.#options = options;
  }

  begin(head: StreamHead): void {
    this.#options.begin(head);
  }

  chunk(json: string): Promise<void> | undefined {
    if (this.#reader !== null) {
      const reader = this.#reader;
      this.#reader = null;
      reader(json);
      return undefined;
    }
    this.#stalled ??= setTimeout(this.#options.stalled, this.#options.stalledMs);
    return new Promise((taken) => this.#chunks.push({ json, taken }));
  }

  /** Undefined when there will be none any more. One at a time. */
  next(): Promise<string | undefined> {
    const chunk = this.#chunks.shift();
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    if (chunk === undefined) return this.#isClosed ? Promise.resolve(undefined) : new Promise((resolve) => (this.#reader = resolve));
    if (this.#chunks.length > 0 && !this.#isClosed) this.#stalled = setTimeout(this.#options.stalled, this.#options.stalledMs);
    chunk.taken();
    return Promise.resolve(chunk.json);
  }

  /** The call has ended: what is still here may be taken. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#stalled);
    this.#reader?.(undefined);
  }
}
