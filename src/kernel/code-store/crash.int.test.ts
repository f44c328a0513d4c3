import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { killWriters } from './killed-writers.fixture.ts';

const KILLS = 20;

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'seed-crash-'));
});
afterEach(() => rm(base, { recursive: true }));

test(`a writer that is killed ${KILLS} times leaves nothing torn, loses nothing it said was kept, and no third state`, async () => {
  const found = await killWriters(base, { kills: KILLS });
  expect(found).toMatchObject({ torn: 0, third: 0 });
  expect(found.kept).toBeGreaterThan(0);
  expect(found.reads).toBeGreaterThan(found.kept);
  // The kills did hit writers in the middle of their work.
  expect(found.drafts).toBeGreaterThan(0);
});
