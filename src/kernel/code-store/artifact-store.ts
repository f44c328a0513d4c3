// Port: the durable copy of every version. It stays for ever, gives the numbers, and is what a damaged or empty disk is
// rebuilt from. The database's adapter is in domains/runtime.
import type { Artifact } from '../compiler/artifact.ts';

/** Ed25519 over the canonical manifest. */
export interface ManifestSignature {
  /** First 32 hex digits of the sha256 of the public key. */
  keyId: string;
  /** Hex, 128 characters. */
  value: string;
}

export interface SignedArtifact {
  artifact: Artifact;
  signature: ManifestSignature;
}

/** One version of an agent. */
export interface VersionRecord {
  agent: string;
  /** Dense per agent, from 1. */
  number: number;
  /** 64 hex digits. */
  hash: string;
  /** Hash of the version it was made from. */
  parent: string | null;
  proposer: string;
  /** UTC, ISO 8601. */
  createdAt: string;
}

/** What is known about a version beside its manifest. */
export interface Origin {
  note: string;
  principal: { kind: string; id: string };
}

export interface ArtifactStore {
  /**
   * Keeps the artifact as a version of the agent its manifest names, and gives it that agent's next number: the numbers of an
   * agent are 1, 2, 3 … without holes, whoever asks at the same time. The same hash again answers the number it has.
   */
  put(signed: SignedArtifact, origin: Origin): Promise<number>;
  /**
   * Null when the agent has no such version. Nothing is checked here: the code store checks what it is given.
   * @throws SeedError `artifact_corrupt` when what is kept can not even be read
   */
  get(agent: string, hash: string): Promise<(SignedArtifact & { number: number }) | null>;
  /** All versions of the agent by number, the first one first; empty for an agent nobody knows. */
  list(agent: string): Promise<readonly VersionRecord[]>;
  /** Names of all agents that have a version. */
  agents(): Promise<readonly string[]>;
  /** Puts another signature of the same manifest in the place of the old one, after a key was rotated. */
  resign(hash: string, signature: ManifestSignature): Promise<void>;
  /** Puts what was signed in the place of what is kept under its hash, to the byte. Nothing happens when there is none. */
  repair(signed: SignedArtifact): Promise<void>;
  /** Forgets a version for ever; its number is never given again. Nothing happens when there is none. */
  remove(agent: string, hash: string): Promise<void>;
}
