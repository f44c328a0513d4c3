// An entry into an isolate that waits for its turn, and what the guest is given of it.
import type { HostedCall } from './hosted-call.ts';
import type { Start } from './live-isolate.ts';

export type Entry =
  | { kind: 'start'; call: HostedCall }
  | { kind: 'deliver'; call: HostedCall; request: number; timeMs: number; ok: boolean; json: string }
  /** What the guest still holds of a call that is over. */
  | { kind: 'forget'; call: HostedCall };

/** The word and the values of `GuestEntry`. */
export function entryValues(entry: Entry): (string | number | boolean)[] {
  const { seq } = entry.call;
  if (entry.kind === 'forget') return ['forget', seq];
  if (entry.kind === 'deliver') return ['deliver', seq, entry.request, entry.timeMs, entry.ok, entry.json];
  const { exportName, inputJson, keyJson, principalJson, timeMs, seed } = entry.call.message;
  return ['start', seq, exportName, inputJson, keyJson, principalJson, timeMs, seed];
}

/** What a module's top level sees that is run for this call. */
export function startOf({ message }: HostedCall): Start {
  return { timeMs: message.timeMs, seed: message.seed };
}
