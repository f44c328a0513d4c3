// An entry into an isolate that waits for its turn, and what the guest is given of it.
import type { HostedCall } from './hosted-call.ts';
import type { Start } from './live-isolate.ts';

export type Entry =
  | { kind: 'start'; call: HostedCall }
  | { kind: 'deliver'; call: HostedCall; request: number; timeMs: number; ok: boolean; json: string }
  /** The reader of a stream has room for so much since the beginning. */
  | { kind: 'grant'; call: HostedCall; chunks: number; chars: number }
  /** The reader of a stream has gone. */
  | { kind: 'leave'; call: HostedCall }
  /** What the guest still holds of a call that is over. */
  | { kind: 'forget'; call: HostedCall };

/** The word and the values of `GuestEntry`. */
export function entryValues(entry: Entry): (string | number | boolean)[] {
  const { seq } = entry.call;
  if (entry.kind === 'forget' || entry.kind === 'leave') return [entry.kind, seq];
  if (entry.kind === 'grant') return ['grant', seq, entry.chunks, entry.chars];
  if (entry.kind === 'deliver') return ['deliver', seq, entry.request, entry.timeMs, entry.ok, entry.json];
  const { exportName, inputJson, keyJson, principalJson, timeMs, seed } = entry.call.message;
  return ['start', seq, exportName, inputJson, keyJson, principalJson, timeMs, seed];
}

/** It is about to run: what its call is given with it. */
export function entering(entry: Entry): void {
  const { call } = entry;
  if (entry.kind === 'deliver') call.delivered(String(entry.request));
  else if (entry.kind === 'grant') {
    call.stream?.grant(entry);
    call.delivered(`${entry.chunks}:${entry.chars}`);
  } else if (entry.kind === 'leave') {
    if (call.stream !== null) call.stream.isLeaving = true;
    call.delivered('leave');
  }
}

/** What a module's top level sees that is run for this call. */
export function startOf({ message }: HostedCall): Start {
  return { timeMs: message.timeMs, seed: message.seed };
}
