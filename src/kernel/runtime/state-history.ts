// Port: what states were before they got their present version, and which instances a rollback left where they are.
import type { ClaimedKey } from './state-store.ts';

/** A state as it is stored. */
export interface StoredState {
  key: string;
  stateJson: string;
  /** Hash of the version that wrote it. */
  stateHash: string;
  stateVersion: number;
}

/** An instance whose calls a version goes on answering that is not live any more. */
export interface FrozenInstance {
  key: string;
  /** Hash of the version that answers. */
  hash: string;
  stateVersion: number;
  /** Why its state could not be taken along. */
  reason: string;
  /** Since when, UTC. */
  at: Date;
  /** Somebody has decided that it stays so. */
  kept: boolean;
}

export interface StateHistory {
  /**
   * Puts back the newest snapshot of version `stateVersion` or below that nobody has written since.
   * @param options.discard also when calls have written since: what they wrote is kept as a snapshot, and is no longer the state;
   *   without any snapshot the instance has no state then
   * @returns whether there was one
   * @throws SeedError `conflict` when the fence is no longer ours
   */
  restore(at: ClaimedKey, options: { stateVersion: number; discard: boolean }): Promise<boolean>;
  /** @throws SeedError `conflict` when the fence is no longer ours */
  freeze(at: ClaimedKey, frozen: { hash: string; reason: string }): Promise<void>;
  /** Nobody is asked about it any more. @returns whether it was frozen */
  keep(agent: string, key: string): Promise<boolean>;
  /** Instances whose version has become the live one, or an older one, are ordinary again. */
  thaw(agent: string, stateVersion: number): Promise<void>;
  frozen(agent: string): Promise<readonly FrozenInstance[]>;
  /** Instances that are not frozen and whose state has a version above `stateVersion`, in the order of their keys. */
  keysAbove(agent: string, options: { stateVersion: number; after: string | null; limit: number }): Promise<readonly string[]>;
  /** Whether any instance, frozen or not, has a state of a version above `stateVersion`. */
  hasAbove(agent: string, stateVersion: number): Promise<boolean>;
  /** Of each version of the state up to `upTo` the newest and the largest ones. */
  sample(agent: string, options: { upTo: number; perVersion: number; maxBytes: number }): Promise<readonly StoredState[]>;
}
