// Removes old versions from this node's disk, and only when asked for from the durable copy.
import { checkName } from '#lib/name.ts';
import type { VersionRecord } from './artifact-store.ts';
import type { StoreParts } from './store-parts.ts';
import { collectable, type Retention } from './retention.ts';
import type { ActivePointer } from './version-files.ts';

/** What no version knows may be one that is just being put: it is left alone for so long. */
const ORPHAN_AGE_MS = 60 * 60 * 1000;

export interface CollectRequest extends Retention {
  /** Default: all. */
  agents?: readonly string[];
  /** Only say what would go. Default false. */
  dryRun?: boolean;
  /** Forget them in the durable copy too, for ever. Default false. */
  durable?: boolean;
}

export interface Collected {
  /** `packer v3`, or the hash of what belongs to no version. */
  removed: string[];
  freedBytes: number;
  /** Versions that stay on this disk. */
  kept: number;
}

export async function collectGarbage(
  parts: StoreParts,
  request: CollectRequest & {
    /** Hashes that stay whatever their age. */
    held: ReadonlySet<string>;
    activeOf: (agent: string) => Promise<ActivePointer | null>;
  },
): Promise<Collected> {
  const { objects, files, durable, turns, nowMs } = parts;
  const { held, activeOf, dryRun = false } = request;
  const known = await durable.agents();
  const cached = await objects.list();
  const removed: string[] = [];
  let freedBytes = 0;

  const forget = async ({ agent, number, hash }: VersionRecord): Promise<void> => {
    await turns.take(`object ${hash}`, async () => {
      await objects.remove(hash);
      await files.remove(agent, number);
      if (request.durable === true) await durable.remove(agent, hash);
    });
  };

  for (const agent of request.agents ?? known) {
    checkName(agent, 'agent');
    await turns.take(`agent ${agent}`, async () => {
      const pointer = await activeOf(agent);
      const records = await durable.list(agent);
      const live = [pointer?.hash, pointer?.previous].filter((hash) => hash !== undefined && hash !== null);
      for (const record of collectable(records, { ...request, held: new Set([...held, ...live]), nowMs: nowMs() })) {
        const there = cached.get(record.hash);
        if (there === undefined && request.durable !== true) continue;
        if (!dryRun) await forget(record);
        removed.push(`${agent} v${record.number}`);
        freedBytes += there?.sizeBytes ?? 0;
        cached.delete(record.hash);
      }
    });
  }

  const versions = (await Promise.all(known.map((agent) => durable.list(agent)))).flat();
  const owned = new Set(versions.map(({ hash }) => hash));
  for (const [hash, { sizeBytes, changedAtMs }] of cached) {
    if (owned.has(hash) || held.has(hash) || nowMs() - changedAtMs < ORPHAN_AGE_MS) continue;
    if (!dryRun) await turns.take(`object ${hash}`, () => objects.remove(hash));
    removed.push(hash);
    freedBytes += sizeBytes;
    cached.delete(hash);
  }
  return { removed, freedBytes, kept: cached.size };
}
