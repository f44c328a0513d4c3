// Port: calls that have left their host until what they wait for is there. What becomes of one is committed together with its
// state (state-store.ts); what it waits for, and when it goes on, is kept behind this port.
import type { Divergence } from '../sandbox/call.ts';
import type { Journal } from '../sandbox/journal.ts';
import type { Wait, WaitAnswer } from './capabilities/waits.ts';

/** Everything that is needed to go on with a call. */
export interface ParkedCall {
  id: string;
  agent: string;
  /** null: stateless. */
  key: string | null;
  exportName: string;
  version: number;
  /** It goes on on this version, whatever is live then. */
  hash: string;
  inputJson: string;
  /** Until it left its host. */
  journal: Journal;
  principal: { kind: string; id: string };
}

/** A call that one node has taken to go on with. */
export interface ResumedCall extends ParkedCall {
  /** The right to: a commit with an older one changes nothing. */
  fence: number;
  /** By number of the request. */
  answers: ReadonlyMap<number, WaitAnswer>;
}

/** `reason`: in a word, where the code alone does not say it (`state_migrated`). */
export interface ParkedError {
  code: string;
  message: string;
  stack?: string;
  reason?: string;
}

/** How a call that was parked has ended. */
export type ParkedEnd = { ok: true; outputJson: string } | { ok: false; error: ParkedError; divergence: Divergence | null };

/** What becomes of a call, in the transaction of its state. */
export type ParkingCommit =
  /** `fence` null: for the first time. */
  { kind: 'park'; call: ParkedCall; fence: number | null } | { kind: 'end'; id: string; fence: number; end: ParkedEnd };

export interface OpenWait extends Wait {
  /** ms since the epoch on the database's clock: when it is over by itself; null: never. */
  dueMs: number | null;
}

export interface ParkedStatus {
  state: 'parked' | 'running' | 'done' | 'failed' | 'cancelled';
  version: number;
  hash: string;
  /** Without those that have their answer. */
  open: readonly OpenWait[];
  /** Of one that has failed or was cancelled. */
  error: ParkedError | null;
}

/** What a caller is told whose call is parked. */
export interface Parked {
  state: 'parked';
  callId: string;
  version: number;
  hash: string;
  open: readonly OpenWait[];
}

export interface ParkedCalls {
  status(agent: string, id: string): Promise<ParkedStatus | null>;
  /** A run is about to have an effect that can not be taken back: should it be cut off, it is not made again. @throws SeedError `conflict` when the fence is not ours any more */
  beginEffect(id: string, fence: number): Promise<void>;
}
