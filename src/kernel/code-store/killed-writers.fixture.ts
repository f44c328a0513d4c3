// For tests and the benchmark: writers of a code store that are killed in the middle of their work, and what the store is after
// each: every read whole, and the pointer the one before or the one after.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isSeedError, SeedError } from '#lib/error.ts';
import { spawnProcess } from '#lib/process.ts';
import { MemoryArtifactStore } from './artifact-store.fixture.ts';
import { CodeStore } from './code-store.ts';
import { sweepDrafts } from './durable-file.ts';

const FOLDERS = ['objects', 'active', join('versions', 'packer')];
const CACHED = /^(?<hash>[0-9a-f]{64})\.json$/;

export interface KilledWriters {
  kills: number;
  /** Temporary files found after the kills: writers that were caught in the middle. */
  drafts: number;
  /** Versions that the writers said were kept. */
  kept: number;
  /** Versions and pointers that were read. */
  reads: number;
  /** Reads of something damaged. */
  torn: number;
  /** Times that what is live was neither the version before nor the one after, or something kept was not there. */
  third: number;
}

interface Said {
  kept: string[];
  /** What may be live now: the last that it said was, and the one it was about to make so. */
  live: (string | null)[];
}

/** @param base holds `code` and `keys` @param kills go on until so many, and until one has caught a writer in the middle */
export async function killWriters(base: string, { kills, say }: { kills: number; say?: (text: string) => void }): Promise<KilledWriters> {
  const root = join(base, 'code');
  // Every damage shows: there is nothing to repair from.
  const durable = new MemoryArtifactStore();
  durable.away = new SeedError('database_unavailable', 'there is none');
  const found: KilledWriters = { kills: 0, drafts: 0, kept: 0, reads: 0, torn: 0, third: 0 };
  const [seen, kept] = [new Set<string>(), new Set<string>()];
  let live: string | null = null;
  while (found.kills < kills || (found.drafts === 0 && found.kills < 3 * kills)) {
    const round = found.kills;
    // Spread over the time that one turn of the writer takes, and beyond.
    const said = await interruptedWriter(base, { round, lines: 1 + (round % 5), afterMs: (round * 7) % 40, live });
    found.kills += 1;
    for (const hash of said.kept) kept.add(hash);
    found.drafts += await draftsIn(root);
    const store = await CodeStore.open({ root, keysDir: join(base, 'keys'), durable, onDamage: () => void (found.torn += 1) });
    for (const hash of await hashesIn(root)) {
      if (seen.has(hash)) continue;
      seen.add(hash);
      await read(found, () => store.load('packer', hash));
    }
    const pointer = await read(found, () => store.active('packer'));
    live = pointer?.hash ?? null;
    if (!said.live.includes(live)) found.third += 1;
    if ((await sweepDrafts(join(root, 'objects'))) > 0) found.third += 1;
    await store.close();
    if (found.kills % 20 === 0)
      say?.(`${found.kills} of ${kills} kills, ${kept.size} versions, ${found.torn} torn, ${found.third} third states`);
  }
  const there = new Set(await hashesIn(root));
  found.kept = kept.size;
  found.third += [...kept].filter((hash) => !there.has(hash)).length;
  return found;
}

async function read<T>(found: KilledWriters, work: () => Promise<T>): Promise<T | null> {
  found.reads += 1;
  try {
    return await work();
  } catch (error) {
    // The store has said it already. A version whose record came to nothing is not there yet, and nobody was told that it was.
    if (isSeedError(error) && (error.code === 'artifact_corrupt' || error.code === 'not_found')) return null;
    throw error;
  }
}

/** What has a manifest is meant to be whole. */
async function hashesIn(root: string): Promise<string[]> {
  return (await readdir(join(root, 'objects'))).flatMap((name) => CACHED.exec(name)?.groups?.['hash'] ?? []);
}

async function draftsIn(root: string): Promise<number> {
  const names = await Promise.all(FOLDERS.map((folder) => readdir(join(root, folder)).catch(() => [])));
  return names.flat().filter((name) => name.endsWith('.tmp')).length;
}

/** Lets a writer say some lines, and kills it a moment later. */
async function interruptedWriter(
  base: string,
  { round, lines, afterMs, live }: { round: number; lines: number; afterMs: number; live: string | null },
): Promise<Said> {
  const program = fileURLToPath(new URL('./crash-writer.fixture.ts', import.meta.url));
  const args = [program, join(base, 'code'), join(base, 'keys'), String(round * 1_000 + 1)];
  const child = spawnProcess(process.execPath, args, { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  const output = child.stdio[1] as Readable;
  const read = new Promise<void>((resolve) => output.once('close', () => resolve()));
  let said = '';
  const enough = new Promise<void>((resolve) => {
    output.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > lines) resolve();
    });
  });
  const early = child.exited.then((exit) => {
    throw new Error(`the writer ended before it was killed: ${JSON.stringify(exit)}`);
  });
  await Promise.race([enough, early]);
  early.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await read;
  // Its last line may be half.
  return stateOf(said.slice(0, said.lastIndexOf('\n')).split('\n'), live);
}

function stateOf(lines: readonly string[], liveBefore: string | null): Said {
  const kept: string[] = [];
  let [live, next]: [string | null, string | null] = [liveBefore, null];
  for (const line of lines) {
    const [word, ...hashes] = line.split(' ');
    if (word === 'kept') {
      kept.push(...hashes);
      next = hashes[0] ?? null;
    } else if (word === 'active') {
      live = hashes[0] ?? null;
      // The second of the two follows the first.
      next = kept.at(-1) === live ? null : (kept.at(-1) ?? null);
    }
  }
  return { kept, live: next === null ? [live] : [live, next] };
}
