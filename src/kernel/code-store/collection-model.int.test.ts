// Garbage collection against a model that only knows the rules: whatever is put, activated, held and let go in any order, what
// must stay can be read from this disk alone, and what may go is gone.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { versionOf } from './artifact-store.fixture.ts';
import { AWAY, StoreBench } from './code-store.fixture.ts';
import type { CodeStore } from './code-store.ts';

const HOUR_MS = 3_600_000;
const AGENTS = ['packer', 'extract'] as const;

interface Known {
  agent: string;
  number: number;
  hash: string;
  putAtMs: number;
  onDisk: boolean;
}

interface World {
  bench: StoreBench;
  store: CodeStore;
  known: Known[];
  active: Map<string, { hash: string; previous: string | null }>;
  held: Map<string, () => void>;
  content: number;
}

type Step = (world: World) => Promise<void>;

const put = fc.constantFrom(...AGENTS).map((agent): Step => {
  return async (world) => {
    world.content += 1;
    const createdAt = new Date(world.bench.nowMs).toISOString();
    const { artifact, number } = await world.store.put(versionOf(world.content, { agent, createdAt }));
    world.known.push({ agent, number, hash: artifact.hash, putAtMs: world.bench.nowMs, onDisk: true });
  };
});

/** Of the versions there are, the nth. */
const withVersion = (act: (world: World, version: Known) => Promise<void>) =>
  fc.nat().map((index): Step => {
    return async (world) => {
      const version = world.known[index % Math.max(1, world.known.length)];
      if (version !== undefined) await act(world, version);
    };
  });

const activate = withVersion(async ({ store, active }, { agent, hash }) => {
  await store.activate(agent, hash);
  const before = active.get(agent);
  if (before?.hash !== hash) active.set(agent, { hash, previous: before?.hash ?? null });
});
const hold = withVersion(async ({ store, held }, { hash }) => {
  if (!held.has(hash))
    held.set(
      hash,
      store.hold(() => Promise.resolve([hash])),
    );
});
const letGo = withVersion(async ({ held }, { hash }) => {
  held.get(hash)?.();
  held.delete(hash);
});
const load = withVersion(async ({ store }, version) => {
  assert.equal((await store.load(version.agent, version.hash)).number, version.number);
  version.onDisk = true;
});
const wait = fc.integer({ min: 1, max: 5 }).map((hours): Step => {
  return async ({ bench }) => void (bench.nowMs += hours * HOUR_MS);
});
const reopen = fc.constant<Step>(async (world) => {
  await world.store.close();
  world.store = await world.bench.open();
  for (const hash of world.held.keys())
    world.held.set(
      hash,
      world.store.hold(() => [hash]),
    );
});
const collect = fc
  .record({ keep: fc.integer({ min: 0, max: 3 }), hours: fc.integer({ min: 0, max: 6 }), durable: fc.boolean(), dryRun: fc.boolean() })
  .map(({ keep, hours, durable, dryRun }): Step => {
    return async (world) => {
      const { bench, store, active, held } = world;
      const stays = (one: Known): boolean => {
        const newer = world.known.filter(({ agent, number }) => agent === one.agent && number > one.number).length;
        const pointer = active.get(one.agent);
        const isYoung = bench.nowMs - one.putAtMs <= hours * HOUR_MS;
        return newer < keep || isYoung || held.has(one.hash) || pointer?.hash === one.hash || pointer?.previous === one.hash;
      };
      const goes = world.known.filter((one) => !stays(one) && (one.onDisk || durable));
      const { removed } = await store.gc({ keep, olderThanMs: hours * HOUR_MS, durable, dryRun });
      assert.deepEqual(removed.toSorted(), goes.map(({ agent, number }) => `${agent} v${number}`).toSorted());
      if (dryRun) return;
      for (const one of goes) one.onDisk = false;
      if (durable) world.known = world.known.filter((one) => !goes.includes(one));
    };
  });

test('nothing that is active, previous, held or young ever goes, and everything else does', async () => {
  const steps = fc.array(
    fc.oneof({ weight: 4, arbitrary: put }, activate, hold, letGo, load, wait, reopen, { weight: 2, arbitrary: collect }),
    {
      minLength: 5,
      maxLength: 25,
    },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      await using bench = await StoreBench.make();
      const world: World = { bench, store: await bench.open(), known: [], active: new Map(), held: new Map(), content: 0 };
      for (const step of all) await step(world);
      // From this disk alone, to the byte; what is gone is gone.
      bench.durable.away = AWAY;
      for (const { agent, hash, onDisk } of world.known) {
        const loading = world.store.load(agent, hash);
        if (onDisk) expect((await loading).artifact.hash).toBe(hash);
        else await expect(loading).rejects.toBe(AWAY);
      }
      expect(bench.damages).toEqual([]);
      await world.store.close();
    }),
    { numRuns: 25 },
  );
});

test('a holder that can not say what it needs stops the collection', async () => {
  await using bench = await StoreBench.make();
  const store = await bench.open();
  await store.put(versionOf(1));
  bench.nowMs += 100 * HOUR_MS;
  const release = store.hold(() => Promise.reject(AWAY));
  await expect(store.gc({ keep: 0, olderThanMs: 0 })).rejects.toBe(AWAY);
  expect((await store.cached('packer')).size).toBe(1);
  release();
  expect((await store.gc({ keep: 0, olderThanMs: 0 })).removed).toEqual(['packer v1']);
  await store.close();
});
