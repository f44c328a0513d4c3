// Server-sent events of a stream operation: one item each, paced by whoever reads, with a comment now and then so that
// nothing between takes the connection for dead.
import { isSeedError, SeedError } from '#lib/error.ts';
import type { Operation } from '#operation/operation.ts';
import { encodeOutput } from '#operation/output.ts';
import { stringify } from '#operation/raw-json.ts';
import { failureJson } from './answer.ts';

export interface EventStreamOptions<Ports> {
  operation: Operation<Ports>;
  /** Checked items, in code names. */
  items: AsyncIterable<unknown>;
  heartbeatMs: number;
  /** Called once when nobody reads any more, whoever ended it. */
  onEnd: () => void;
  /** The node is going away: no more items; the reader comes back and resumes. */
  closing: AbortSignal;
}

const encoder = new TextEncoder();

/**
 * `id:` from the item's `eventId` member and `data:` with its JSON; then `event: end`, or `event: failed` with an error.
 * A stream that breaks off with neither may be resumed with Last-Event-ID.
 */
export function eventStream<Ports>(options: EventStreamOptions<Ports>): ReadableStream<Uint8Array> {
  const { operation, items, heartbeatMs, closing } = options;
  const iterator = items[Symbol.asyncIterator]();
  let pending: Promise<IteratorResult<unknown>> | undefined;
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
          if (next.done !== true) return send(eventOf(operation, next.value));
          send('event: end\ndata: {}\n\n');
          controller.close();
          end();
        } catch (error) {
          // The end of a stream that nobody reads any more.
          if (ended) return;
          send(
            `event: failed\ndata: ${failureJson(isSeedError(error) ? error : new SeedError('internal', 'the stream failed', { cause: error }))}\n\n`,
          );
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

async function firstOf<T>(work: Promise<T>, heartbeatMs: number, closing: AbortSignal): Promise<T | 'heartbeat' | 'closing'> {
  if (closing.aborted) return 'closing';
  const { promise, resolve } = Promise.withResolvers<'heartbeat' | 'closing'>();
  const timer = setTimeout(() => resolve('heartbeat'), heartbeatMs);
  const onClosing = (): void => resolve('closing');
  closing.addEventListener('abort', onClosing);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
    closing.removeEventListener('abort', onClosing);
  }
}

function eventOf<Ports>(operation: Operation<Ports>, item: unknown): string {
  const id = item !== null && typeof item === 'object' ? (item as Record<string, unknown>)[operation.eventId ?? 'id'] : undefined;
  // A line break would end the field; no id of ours has one.
  const line = (typeof id === 'string' && !/[\r\n\0]/.test(id)) || typeof id === 'number' ? `id: ${id}\n` : '';
  return `${line}data: ${stringify(encodeOutput(operation, item))}\n\n`;
}
