// Items of a streaming operation. When the connection breaks off in the middle it is taken up again after the last item seen.
import { setTimeout as sleep } from 'node:timers/promises';
import { SeedError, isSeedError } from '#lib/error.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { serverEvents } from './event-stream.ts';
import { failureFrom, remoteFailure } from './failure.ts';
import type { HttpClient } from './http-client.ts';
import type { Input } from './input.ts';
import { requestFor, type RequestOptions } from './request.ts';

export interface StreamOptions extends RequestOptions {
  signal: AbortSignal;
  /** Told before each new attempt. */
  onRetry?: (message: string) => void;
  /** Wait before the first new attempt, doubled with each; default 200 ms. */
  retryMs?: number;
}

const ATTEMPTS = 6;

/** @throws SeedError what the node said, in the stream or instead of it; `unavailable` when it does not come back. */
export async function* streamItems(
  client: HttpClient,
  { entry, input }: { entry: CatalogueEntry; input: Input },
  options: StreamOptions,
): AsyncGenerator<unknown, void, undefined> {
  let lastEventId = options.lastEventId;
  let failures = 0;
  for (;;) {
    try {
      const response = await client.send(requestFor(entry, input, { ...options, lastEventId }), options.signal);
      if (response.status !== 200) throw answered(remoteFailure(response.status, await response.text(), response.header('retry-after')));
      for await (const event of serverEvents(response.chunks())) {
        if (event.event === 'end') return;
        if (event.event === 'failed') throw answered(failureFrom(event.data));
        lastEventId = event.id ?? lastEventId;
        failures = 0;
        yield JSON.parse(event.data) as unknown;
      }
      throw new SeedError('unavailable', 'the node ended the stream in the middle', {
        hint: 'seed system:status shows whether it is back',
      });
    } catch (error) {
      const isBroken = isSeedError(error) && error.code === 'unavailable' && !saidByNode.has(error);
      failures += 1;
      // Without a place to go on from, items would come twice.
      if (!isBroken || lastEventId === undefined || failures >= ATTEMPTS) throw error;
      options.onRetry?.(`${error.message}; going on after ${lastEventId}`);
      await sleep((options.retryMs ?? 200) * 2 ** (failures - 1), undefined, { signal: options.signal }).catch((cause: unknown) => {
        throw new SeedError('cancelled', 'cancelled', { cause });
      });
    }
  }
}

/** Errors that are an answer: asking again would only hear them again. */
const saidByNode = new WeakSet<SeedError>();

function answered(error: SeedError): SeedError {
  saidByNode.add(error);
  return error;
}
