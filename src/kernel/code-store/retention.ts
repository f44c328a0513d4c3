// Which versions a node's cache may forget. The durable copy has them all, so this is about disk, not about history.
import type { VersionRecord } from './artifact-store.ts';

export const DEFAULT_KEEP = 100;
export const DEFAULT_OLDER_THAN_MS = 7 * 24 * 60 * 60 * 1000;

export interface Retention {
  /** The newest versions of an agent that stay whatever their age. Default 100. */
  keep?: number;
  /** Younger versions stay whatever their number, ms. Default 7 days. */
  olderThanMs?: number;
}

/**
 * Of one agent's versions, those that may go: not among the newest `keep`, older than `olderThanMs`, and not held.
 * @param held hashes that stay in any case: active, previous, pinned, in a rollout
 */
export function collectable(
  versions: readonly VersionRecord[],
  options: Retention & { held: ReadonlySet<string>; nowMs: number },
): VersionRecord[] {
  const { keep = DEFAULT_KEEP, olderThanMs = DEFAULT_OLDER_THAN_MS, held, nowMs } = options;
  const byAge = versions.toSorted((a, b) => b.number - a.number);
  // A time that can not be read keeps its version: nothing is removed for a reason nobody understands.
  return byAge.slice(keep).filter(({ hash, createdAt }) => !held.has(hash) && nowMs - Date.parse(createdAt) > olderThanMs);
}
