// The same idempotency key again: what is said then, and what makes two calls the same.
import type { Invoked, InvokeRequest } from './invoke-request.ts';
import { checkSameInput, hashInput } from './invocation.ts';
import type { Parked, ParkedCalls } from './parked-call.ts';
import { parkedSituation } from './parking.ts';
import type { IdempotentAnswer } from './state-store.ts';

export const DEFAULT_KEY = 'default';

/** The answer of an earlier call, given again; of one that was parked what is to be said of it now. @throws SeedError `idempotency_mismatch`, and what a parked call has failed with */
export async function repeatedAnswer(
  known: IdempotentAnswer,
  { request, idempotencyKey, parked }: { request: InvokeRequest; idempotencyKey: string; parked: ParkedCalls },
): Promise<Invoked | Parked> {
  checkSameInput(known, inputHashOf(request), idempotencyKey);
  const { callId, outputJson, streamed, version, hash, durationUs } = known;
  if (outputJson === null) return parkedSituation(parked, request.agent, callId);
  return { state: 'done', callId, outputJson, streamed, version, hash, durationMs: durationUs / 1000, recorded: false, replayed: true };
}

/** Of the input as it came: what a version fills in may be another after a swap, and the call is still the same. */
export function inputHashOf({ exportName = 'handle', key = DEFAULT_KEY, input }: InvokeRequest): string {
  return hashInput(exportName, key === DEFAULT_KEY ? null : key, JSON.stringify(input) ?? 'null');
}
