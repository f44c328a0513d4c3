import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import { MemoryArtifactStore } from './artifact-store.fixture.ts';
import { CodeStore } from './code-store.ts';
import { sweepDrafts } from './durable-file.ts';

const KILLS = 20;

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'seed-crash-'));
});
afterEach(() => rm(base, { recursive: true }));

/** Lets a writer say some lines, and kills it a moment later. @returns the hashes it said were kept */
async function interruptedWriter(
  root: string,
  { round, lines, afterMs }: { round: number; lines: number; afterMs: number },
): Promise<string[]> {
  const program = fileURLToPath(new URL('./crash-writer.fixture.ts', import.meta.url));
  const child = spawn(process.execPath, [program, root, join(base, 'keys'), String(round * 1_000 + 1)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.split('\n').length > lines) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the writer ended with ${code} before it was killed`)));
  });
  await ready;
  await new Promise((resolve) => {
    setTimeout(resolve, afterMs);
  });
  child.kill('SIGKILL');
  await ended;
  // Its last line may be half.
  return said
    .slice(0, said.lastIndexOf('\n'))
    .split('\n')
    .slice(1)
    .flatMap((line) => line.split(' '));
}

test(`a writer that is killed ${KILLS} times leaves nothing torn and loses nothing it said was kept`, async () => {
  const root = join(base, 'code');
  // Every damage shows: there is nothing to repair from.
  const durable = new MemoryArtifactStore();
  durable.away = new SeedError('database_unavailable', 'there is none');
  const seen = new Set<string>();
  let drafts = 0;
  let kept: string[] = [];
  for (let round = 0; round < KILLS || (drafts === 0 && round < 3 * KILLS); round += 1) {
    // Spread over the time that one turn of the writer takes, and beyond.
    kept = [...kept, ...(await interruptedWriter(root, { round, lines: 1 + (round % 3), afterMs: (round * 7) % 40 }))];
    for (const folder of ['objects', 'active', join('versions', 'packer')]) {
      drafts += (await readdir(join(root, folder)).catch(() => [])).filter((name) => name.endsWith('.tmp')).length;
    }
    const damages: unknown[] = [];
    const store = await CodeStore.open({ root, keysDir: join(base, 'keys'), durable, onDamage: (damage) => damages.push(damage) });
    for (const { hash } of await store.versions('packer')) {
      if (seen.has(hash)) continue;
      seen.add(hash);
      expect((await store.load('packer', hash)).artifact.hash).toBe(hash);
    }
    const active = await store.active('packer');
    if (active !== null) expect((await store.load('packer', active.hash)).artifact.hash).toBe(active.hash);
    expect(damages).toEqual([]);
    expect(await sweepDrafts(join(root, 'objects'))).toBe(0);
  }
  const store = await CodeStore.open({ root, keysDir: join(base, 'keys'), durable });
  const cached = (await readdir(join(root, 'objects')))
    .filter((name) => /^[0-9a-f]{64}\.json$/.test(name))
    .map((name) => name.slice(0, 64));
  expect(kept.length).toBeGreaterThan(0);
  for (const hash of kept) expect(cached).toContain(hash);
  expect((await store.verify({ agents: ['packer'] })).findings).toEqual([]);
  // The kills did hit writers in the middle of their work.
  expect(drafts).toBeGreaterThan(0);
});
