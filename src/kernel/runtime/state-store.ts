// Port: the durable state of instances, and the answers that idempotency keys must give again.
import type { ParkingCommit } from './parked-call.ts';

/** The right to write one instance. Only the holder of the highest fence can commit. */
export interface Claim {
  fence: number;
  /** Counts commits; 0 = the instance has no state yet. */
  revision: number;
  /** JSON text of the state, or null. */
  stateJson: string | null;
  /** Hash of the version that wrote the state, or null. */
  stateHash: string | null;
  /** The version of the state, as the contract of its writer says; 1 where there is none. */
  stateVersion: number;
  /**
   * Counts the times the state got another version. Whoever leaves an instance and comes back to it later (a parked call) finds
   * here whether what it read is still of the shape it knows.
   */
  migrations: number;
  /** Hash of the version that goes on answering this instance after a rollback that could not take its state along; else null. */
  frozenHash: string | null;
}

export interface IdempotentAnswer {
  callId: string;
  inputHash: string;
  exportName: string;
  version: number;
  hash: string;
  /** null: the call was parked, and has no answer (yet). */
  outputJson: string | null;
  /** Of a stream, whose output is the list of its chunks. */
  streamed: boolean;
  durationUs: number;
}

/** An instance under a claim. */
export interface ClaimedKey {
  agent: string;
  key: string;
  fence: number;
}

export interface StateWrite {
  key: string;
  fence: number;
  stateJson: string;
  stateHash: string;
  stateVersion: number;
  /** Whether a call set it, and was told so: what must never be dropped. false: it only got another version. */
  written: boolean;
  /** The state that is replaced has another version: it is kept as a snapshot. */
  replacesVersion: boolean;
}

export interface Commit {
  agent: string;
  /** null: a stateless call that only leaves its idempotent answer. */
  instance: StateWrite | null;
  idempotency: { key: string; answer: IdempotentAnswer } | null;
  /** Of a call that is parked, or was: its end also answers its idempotency key. */
  parking?: ParkingCommit;
}

export interface StateStore {
  /**
   * Takes the instance for this node: a new fence when another node (or nobody) held it and its lease is over.
   * @param leaseMs how long nobody else may take it, on the database's clock.
   * @throws SeedError `conflict` while another node's lease runs.
   */
  claim(agent: string, key: string, leaseMs: number): Promise<Claim>;
  /** Prolongs the lease of a claim that is still ours. @returns false when it is not any more */
  renew(at: ClaimedKey, leaseMs: number): Promise<boolean>;
  /** Lets others take the instance at once. */
  release(agent: string, key: string, fence: number): Promise<void>;
  /**
   * State, snapshot, idempotent answer and what becomes of a parked call in one transaction, and the lease prolonged.
   * @throws SeedError `conflict` when a fence is no longer ours, `queue_full` when too many calls are parked: nothing was written.
   */
  commit(commit: Commit, leaseMs: number): Promise<void>;
  findAnswer(agent: string, idempotencyKey: string): Promise<IdempotentAnswer | null>;
}
