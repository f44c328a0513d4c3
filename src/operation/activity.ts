// Port: who did what, when, and how it ended. Written by the gate for every operation that changes something.
import type { PrincipalKind } from './principal.ts';

export interface ActivityEntry {
  /** UUIDv7. */
  id: string;
  /** When it ended, ms since the epoch. */
  atMs: number;
  principalKind: PrincipalKind;
  principalId: string;
  operation: string;
  /** The members that stand in the path (else the positional ones), joined by `/`; null where there are none. Never a value that was set. */
  target: string | null;
  /** `ok`, or the code of the error. */
  outcome: string;
  durationMs: number;
  requestId: string;
}

export interface ActivityLog {
  /** Resolves when the entry is durable. A failure is reported by the gate; it does not change the answer: the effect is there. */
  append(entry: ActivityEntry): Promise<void>;
}
