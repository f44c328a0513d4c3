// For tests and the benchmark: every file of a version, its record and the pointer, cut and with bits flipped; what the store makes of
// it without the durable copy, and with it.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isSeedError } from '#lib/error.ts';
import { canonicalJson } from '#lib/canonical-json.ts';
import { versionOf } from './artifact-store.fixture.ts';
import { AWAY, StoreBench } from './code-store.fixture.ts';
import type { CodeStore } from './code-store.ts';

/** Of a file that is larger, offsets are sampled. */
const EVERY_BYTE_UP_TO = 64 * 1024;
const SAMPLES = 4_096;

export interface FileDamage {
  /** What it is of: `.js`, `.json`, `record`, `pointer` … */
  file: string;
  sizeBytes: number;
  cases: number;
  /** Reads that gave something that was never written. */
  torn: number;
  /** Neither the state before nor the one after. */
  third: number;
  /** Not put back. */
  unrepaired: number;
}

export interface DamageOptions {
  /** Offsets at which a file is damaged: `all`, or so many, spread evenly. */
  offsets: 'all' | number;
  kind: 'cut' | 'flip';
  say?: (text: string) => void;
}

/** A version of the size of a real one, the one before it, both live once. */
export async function damageFiles({ offsets, kind, say }: DamageOptions): Promise<FileDamage[]> {
  await using bench = await StoreBench.make();
  const store = await bench.open();
  const line = (number: number): string => `export const step${number} = (value: number): number => value * ${number};\n`;
  const text = Array.from({ length: 30 }, (_, number) => line(number)).join('');
  const [one, two] = [
    await store.put(versionOf('one')),
    await store.put(versionOf('two', { js: text, map: JSON.stringify({ mappings: text }), sources: { 'agent.ts': text } })),
  ];
  await store.activate('packer', one.artifact.hash);
  await store.activate('packer', two.artifact.hash);
  const { hash } = two.artifact;
  const signed = canonicalJson(two.artifact);
  const found: FileDamage[] = [];
  const each = async (path: string, file: string, judge: (whole: Buffer) => Promise<Verdict>): Promise<void> => {
    const whole = await readFile(path);
    const damage: FileDamage = { file, sizeBytes: whole.length, cases: 0, torn: 0, third: 0, unrepaired: 0 };
    for (const offset of offsetsOf(whole.length, offsets)) {
      await writeFile(path, damaged(whole, offset, kind));
      const verdict = await judge(whole);
      damage.cases += 1;
      damage.torn += verdict.torn ? 1 : 0;
      damage.third += verdict.third ? 1 : 0;
      if (!(await readFile(path)).equals(whole)) damage.unrepaired += 1;
      await writeFile(path, whole);
    }
    found.push(damage);
    say?.(
      `${kind} ${file}: ${damage.cases} cases of ${damage.sizeBytes} bytes, ${damage.torn} torn, ${damage.third} third, ${damage.unrepaired} unrepaired`,
    );
  };

  for (const path of await bench.filesOf(hash)) {
    await each(path, basename(path).slice(64), async () => {
      bench.durable.away = AWAY;
      // There is no bit that does not count.
      const alone = await loaded(store, hash);
      bench.durable.away = null;
      const repaired = await loaded(store, hash);
      return { torn: alone !== null, third: repaired !== signed };
    });
  }
  await each(join(bench.root, 'versions', 'packer', '2.json'), 'record', async () => {
    bench.durable.away = AWAY;
    const alone = await store.versions('packer');
    bench.durable.away = null;
    const { findings } = await store.verify({ repair: true });
    return { torn: alone.some((one) => one.number === 2), third: !findings.every(({ repaired }) => repaired) };
  });
  const pointer = join(bench.root, 'active', 'packer');
  await each(pointer, 'pointer', async () => {
    const active = await store.active('packer');
    // The next activation writes it again, to the byte: the clock stands still here.
    await store.activate('packer', hash);
    return { torn: active?.hash === hash, third: active?.hash !== one.artifact.hash };
  });
  await each(`${pointer}.before`, 'pointer before', async (whole) => {
    const active = await store.active('packer');
    const { findings } = await store.verify({ repair: true });
    // What it says was before itself is not known any more; nobody needs it.
    if (await isBefore(store, { pointer, hash: one.artifact.hash })) await writeFile(`${pointer}.before`, whole);
    return { torn: active?.hash !== hash, third: !findings.every(({ repaired }) => repaired) };
  });
  await store.close();
  return found;
}

interface Verdict {
  torn: boolean;
  third: boolean;
}

/** Whether it counts when the pointer is gone. */
async function isBefore(store: CodeStore, { pointer, hash }: { pointer: string; hash: string }): Promise<boolean> {
  const whole = await readFile(pointer);
  await rm(pointer);
  const active = await store.active('packer');
  await writeFile(pointer, whole);
  return active?.hash === hash;
}

async function loaded(store: CodeStore, hash: string): Promise<string | null> {
  try {
    return canonicalJson((await store.load('packer', hash)).artifact);
  } catch (error) {
    if (isSeedError(error) && error.code === 'artifact_corrupt') return null;
    throw error;
  }
}

function damaged(whole: Buffer, offset: number, kind: DamageOptions['kind']): Buffer {
  if (kind === 'cut') return whole.subarray(0, offset);
  return Buffer.from(whole).fill((whole[offset] ?? 0) ^ (1 << (offset % 8)), offset, offset + 1);
}

function offsetsOf(size: number, offsets: DamageOptions['offsets']): number[] {
  const count = offsets === 'all' ? (size > EVERY_BYTE_UP_TO ? SAMPLES : size) : Math.min(size, offsets);
  return Array.from({ length: count }, (_, index) => Math.floor((index * size) / count));
}
