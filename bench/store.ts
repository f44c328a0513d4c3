// The code store under kill -9 and damage: what is read is whole or refused, what is live is the version before or the one after, and
// what is refused is put back from the durable copy.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { damageFiles, type FileDamage } from '../src/kernel/code-store/damaged-files.fixture.ts';
import { killWriters } from '../src/kernel/code-store/killed-writers.fixture.ts';
import type { Benchmark, Row } from './benchmark.ts';

export const store: Benchmark = async ({ quick, say }) => {
  const base = await mkdtemp(join(tmpdir(), 'seed-store-bench-'));
  try {
    const killed = await killWriters(base, { kills: quick ? 12 : 120, say });
    const cut = await damageFiles({ kind: 'cut', offsets: quick ? 40 : 'all', say });
    const flipped = await damageFiles({ kind: 'flip', offsets: quick ? 10 : 'all', say });
    const files = [...cut, ...flipped];
    const sum = (of: (one: FileDamage) => number): number => files.reduce((all, one) => all + of(one), 0);
    return {
      rows: [
        {
          name: 'writer killed with SIGKILL',
          values: {
            cases: killed.kills,
            torn: killed.torn,
            third: killed.third,
            unrepaired: 0,
            bytes: '',
            kept: killed.kept,
            caught: killed.drafts,
          },
        },
        ...rows('cut', cut),
        ...rows('one bit flipped', flipped),
      ],
      figures: {
        kills: killed.kills,
        torn: killed.torn + sum(({ torn }) => torn),
        third: killed.third + sum(({ third }) => third),
        unrepaired: sum(({ unrepaired }) => unrepaired),
        cuts: cut.reduce((all, { cases }) => all + cases, 0),
        flips: flipped.reduce((all, { cases }) => all + cases, 0),
      },
    };
  } finally {
    await rm(base, { recursive: true, force: true });
  }
};

function rows(what: string, files: readonly FileDamage[]): Row[] {
  return files.map(({ file, sizeBytes, cases, torn, third, unrepaired }) => ({
    name: `${what}: ${file}`,
    values: { cases, torn, third, unrepaired, bytes: sizeBytes },
  }));
}
