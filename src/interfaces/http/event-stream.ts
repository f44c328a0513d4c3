// Server-sent events: one item each, paced by whoever reads, with a comment now and then so that nothing between takes the
// connection for dead.
import { isSeedError, SeedError } from '#lib/error.ts';
import type { AnswerEvent } from '#operation/live-answer.ts';
import type { Operation } from '#operation/operation.ts';
import { encodeOutput } from '#operation/output.ts';
import { stringify } from '#operation/raw-json.ts';
import { failureJson } from './answer.ts';

/** How what goes out is spelled. */
export interface EventFormat<T> {
  item: (item: T) => string;
  /** After the last one. */
  end: string;
  failure: (error: SeedError) => string;
}

export interface EventStreamOptions<T> {
  items: AsyncIterable<T>;
  format: EventFormat<T>;
  heartbeatMs: number;
  /** Called once when nobody reads any more, whoever ended it. */
  onEnd: () => void;
  /** The node is going away: no more items; the reader comes back and resumes. Null: it waits for the end of them. */
  closing: AbortSignal | null;
}

const encoder = new TextEncoder();

/**
 * Of the checked items of a stream operation, in code names: `id:` from the item's `eventId` member and `data:` with its JSON; then
 * `event: end`, or `event: failed` with an error. A stream that breaks off with neither may be resumed with Last-Event-ID.
 */
export function itemFormat<Ports>(operation: Operation<Ports>): EventFormat<unknown> {
  return { item: (item) => eventOf(operation, item), end: 'event: end\ndata: {}\n\n', failure: failureEvent('failed') };
}

/** Of a live answer: `event: chunk` or `event: result`, then `event: done`; or `event: error`. */
export function answerFormat<Ports>(operation: Operation<Ports>): EventFormat<AnswerEvent> {
  return {
    item: ({ event, id, data }) =>
      `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${stringify(encodeOutput(operation, data))}\n\n`,
    end: '',
    failure: failureEvent('error'),
  };
}

export function eventStream<T>(options: EventStreamOptions<T>): ReadableStream<Uint8Array> {
  const { items, format, heartbeatMs, closing } = options;
  const iterator = items[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<T>> | undefined;
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    options.onEnd();
  };
  const leave = async (): Promise<void> => {
    end();
    await iterator.return?.();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const send = (text: string): void => controller.enqueue(encoder.encode(text));
        try {
          pending ??= iterator.next();
          const next = await firstOf(pending, heartbeatMs, closing);
          if (ended) return;
          if (next === 'heartbeat') return send(': still here\n\n');
          if (next === 'closing') {
            controller.close();
            // Not waited for: a handler that sleeps would hold up the end of the node.
            void leave().catch(() => undefined);
            return;
          }
          pending = undefined;
          if (next.done !== true) return send(format.item(next.value));
          if (format.end !== '') send(format.end);
          controller.close();
          end();
        } catch (error) {
          // The end of a stream that nobody reads any more.
          if (ended) return;
          send(format.failure(isSeedError(error) ? error : new SeedError('internal', 'the stream failed', { cause: error })));
          controller.close();
          end();
        }
      },
      async cancel() {
        // The signal of the request is aborted too; a handler that only waits for items is ended here. What it throws while
        // it is being ended has nobody left to be told to.
        await leave().catch(() => undefined);
      },
    },
    { highWaterMark: 1 },
  );
}

function failureEvent(name: string): (error: SeedError) => string {
  return (error) => `event: ${name}\ndata: ${failureJson(error)}\n\n`;
}

async function firstOf<T>(work: Promise<T>, heartbeatMs: number, closing: AbortSignal | null): Promise<T | 'heartbeat' | 'closing'> {
  if (closing?.aborted === true) return 'closing';
  const { promise, resolve } = Promise.withResolvers<'heartbeat' | 'closing'>();
  const timer = setTimeout(() => resolve('heartbeat'), heartbeatMs);
  const onClosing = (): void => resolve('closing');
  closing?.addEventListener('abort', onClosing);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    closing?.removeEventListener('abort', onClosing);
  }
}

function eventOf<Ports>(operation: Operation<Ports>, item: unknown): string {
  const id = item !== null && typeof item === 'object' ? (item as Record<string, unknown>)[operation.eventId ?? 'id'] : undefined;
  // A line break would end the field; no id of ours has one.
  const line = (typeof id === 'string' && !/[\r\n\0]/.test(id)) || typeof id === 'number' ? `id: ${id}\n` : '';
  return `${line}data: ${stringify(encodeOutput(operation, item))}\n\n`;
}
