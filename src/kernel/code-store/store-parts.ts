// What the parts of the store share.
import type { ArtifactFiles } from './artifact-files.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { Disk } from './disk.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { Turns } from './turns.ts';
import type { VersionFiles } from './version-files.ts';

/** Something on this disk that was not what was written. */
export interface Damage {
  /** Null for what belongs to none. */
  agent: string | null;
  /** Of the artifact; null for a pointer. */
  hash: string | null;
  problem: string;
  repaired: boolean;
}

export interface StoreParts {
  /** CODE_ROOT. */
  root: string;
  disk: Disk;
  objects: ArtifactFiles;
  files: VersionFiles;
  keys: SigningKeys;
  durable: ArtifactStore;
  /** `object <hash>` for an artifact's files, `agent <name>` for its pointer and what it protects. */
  turns: Turns;
  nowMs: () => number;
  onDamage: (damage: Damage) => void;
}
