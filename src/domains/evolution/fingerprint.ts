// What makes two requests for an improvement the same one.
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';

export interface Asked {
  agent: string;
  /** Of the version to better. */
  baseHash: string;
  proposer: string;
  goal: string;
  budgetMs: number;
  /** Only one that was asked for: two searches with seeds of their own are two. */
  seed: number | null;
  /** Digest of what speaks for it. */
  evidence: string;
}

/** 32 hexadecimal digits. */
export function fingerprintOf(asked: Asked): string {
  return sha256(canonicalJson(asked)).slice(0, 32);
}
