// Port: where records of calls go. Written in batches, off the path of the call; what does not fit is dropped and counted.
import type { CallLog as LogLine } from '../sandbox/call.ts';
import type { Journal } from '../sandbox/journal.ts';

/** Everything that is needed to explain a call and to run it again. */
export interface CallRecord {
  id: string;
  agent: string;
  key: string | null;
  exportName: string;
  version: number;
  hash: string;
  /** JSON, to the byte what the isolate was given. */
  inputJson: string | null;
  journal: Journal | null;
  /** JSON, to the byte what the isolate answered; null when the call failed. */
  outputJson: string | null;
  /** The output is the list of a stream's chunks. */
  streamed: boolean;
  error: { code: string; message: string; stack?: string } | null;
  logs: readonly LogLine[];
  principalKind: string;
  principalId: string;
  /** ms since the epoch. */
  startedAtMs: number;
  durationUs: number;
  cpuUs: number;
  /** A member marked `secret` was taken out: replaying it gives `unknown`. */
  redacted: boolean;
  /** Input, journal or output was over the size cap and is missing. */
  truncated: boolean;
}

export interface CallLog {
  /** Never blocks and never throws; over capacity the record is dropped and counted. */
  record(record: CallRecord): void;
}
