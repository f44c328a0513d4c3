// What the guest runtime knows of a version and of one of its calls.
import type { Turn } from './realm.ts';

export interface GuestSettings {
  agent: string;
  /** Granted by the contract. What is not known here by name is a function that asks the node. */
  capabilities: readonly string[];
  limits: { outputBytes: number; /** Of one chunk of a stream. */ chunkBytes: number; stateBytes: number; logLines: number };
}

export interface GuestCall {
  readonly seq: number;
  readonly key: string | null;
  /** Of the module's codeChange: a state in, a state out. */
  readonly isChange: boolean;
  readonly principalJson: string;
  readonly turn: Turn;
  /** Requests that wait for their result; null before the first. */
  open: Map<number, { resolve: (json: string) => void; reject: (error: Error) => void }> | null;
  ended: boolean;
  /** Set when its handler gave an async generator. */
  stream: GuestStream | null;
  requests: number;
  requestChars: number;
  stateRead: Promise<string> | null;
  stateJson: string | null;
  logs: string;
  logLines: number;
  logsDropped: number;
}

export interface GuestStream {
  readonly iterator: Record<PropertyKey, unknown>;
  readonly next: (...args: unknown[]) => unknown;
  /** Given out so far. */
  chunks: number;
  chars: number;
  /** What the reader has room for, both counted from the beginning: it is pulled while it is below both. */
  roomChunks: number;
  roomChars: number;
  isPulling: boolean;
  /** Its `return` was called: nothing more is given out. */
  isLeaving: boolean;
}

/** Where an evaluated session keeps its state between calls. */
export interface StateCell {
  value: unknown;
  /** Given and taken as a text, as in service; otherwise by reference, which is quicker. */
  isCopied: boolean;
}
