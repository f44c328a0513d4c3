// Port: where it is written down what agents did beyond their own isolate. Every use, whether or not its call is recorded.

export interface CapabilityUse {
  /** ms since the epoch: when it was answered. */
  atMs: number;
  agent: string;
  version: number;
  callId: string;
  /** Number of the request within its call. */
  seq: number;
  /** Who had the call made. */
  principalKind: string;
  principalId: string;
  /** `fetch`, `call`. */
  capability: string;
  /** Where it went, without secrets: a method and a host, an agent; null when it did not get so far. */
  target: string | null;
  outcome: 'ok' | 'error' | 'refused';
  /** Of the error. */
  code: string | null;
  /** What the agent was not told. */
  detail: string | null;
  /** JSON of the arguments, and of the answer. */
  bytesOut: number;
  bytesIn: number;
  durationUs: number;
}

export interface UseLog {
  /** Never blocks and never throws. */
  record(use: CapabilityUse): void;
}
