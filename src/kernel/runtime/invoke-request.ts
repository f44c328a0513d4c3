// What a caller asks of an agent, and what it is given.
import type { ChunkReader } from './call-stream.ts';
import type { CallOrigin } from './instance-waits.ts';

export interface InvokeRequest {
  agent: string;
  /** Default `handle`. */
  exportName?: string;
  input: unknown;
  /** Instance of a stateful agent, default `default`; refused by a stateless one. */
  key?: string;
  idempotencyKey?: string;
  /** Hash of a version to run on instead of the live one. */
  hash?: string;
  principal: { kind: string; id: string };
  /** Of a call that an agent made. */
  origin?: CallOrigin;
  /** Aborted when the caller goes away. */
  signal?: () => AbortSignal;
  /** Takes the chunks of a handler that is an async generator as they come. Default: they are collected into the answer. */
  reader?: ChunkReader;
}

export interface Invoked {
  state: 'done';
  callId: string;
  /** JSON text, checked against the contract: what the handler gave, or the list of its chunks; '' where a reader had them. */
  outputJson: string;
  /** The handler gave an async generator. */
  streamed: boolean;
  version: number;
  hash: string;
  durationMs: number;
  recorded: boolean;
  /** The answer of an earlier call with the same idempotency key. */
  replayed: boolean;
}
