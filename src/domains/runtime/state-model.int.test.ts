// Random lives of a stateful agent against a model of what callers were told: calls with and without idempotency keys, swaps to
// versions whose state has another shape, rollbacks, killed hosts, nodes that start again, frozen instances that are decided about.
// Whatever happens in between, every count that was acknowledged is there once.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { testDatabase } from '#db/testing.ts';
import { BenchHosts, StateBench, type CountingVersion, type StateNode } from './state-bench.fixture.ts';

const KEYS = ['a', 'b', 'c'] as const;
type Key = (typeof KEYS)[number];

let database: Database;
let hosts: BenchHosts;
beforeAll(async () => {
  [database, hosts] = await Promise.all([testDatabase(), BenchHosts.start(2)]);
});
afterAll(async () => {
  await hosts[Symbol.asyncDispose]();
  await database.close();
});

/** Where a version of the state keeps the count. */
const member = (state: number): string => `n${state}`;

/** Versions whose state has this version; two of the four shapes can not go back. */
function versionOf(state: number): CountingVersion {
  if (state === 1) return { state, member: member(1) };
  const goesDown = state % 2 === 0;
  const codeChange = `(state, { from, down }) => {
    if (from !== undefined) return { ${member(state)}: state['n' + from] };
    ${goesDown ? `return { ['n' + down]: state.${member(state)} };` : "throw new RangeError('no way back');"}
  }`;
  return { state, member: member(state), codeChange };
}

/** What callers were told. */
interface Model {
  counts: Record<Key, number>;
  answers: Map<string, { key: Key; by: number; n: number }>;
}

interface Real {
  bench: StateBench;
  node: StateNode;
}

type Step =
  | { kind: 'calls'; calls: readonly { key: Key; by: number; idempotency: number | null }[] }
  | { kind: 'promote'; state: number; during: Key | null }
  | { kind: 'rollback'; during: Key | null }
  | { kind: 'kill'; host: number; during: Key }
  | { kind: 'restart' }
  | { kind: 'keep' };

const key = fc.constantFrom(...KEYS);
const call = fc.record({ key, by: fc.integer({ min: 1, max: 5 }), idempotency: fc.option(fc.integer({ min: 0, max: 3 }), { freq: 2 }) });
const during = fc.option(key);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('calls' as const), calls: fc.array(call, { minLength: 1, maxLength: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('promote' as const), state: fc.integer({ min: 1, max: 4 }), during }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('rollback' as const), during }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), host: fc.integer({ min: 0, max: 1 }), during: key }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'keep' as const }) },
);

async function invoke(real: Real, model: Model, one: { key: Key; by: number; idempotency: number | null }): Promise<void> {
  // A key means one input for ever: the same number with another input is another key.
  const idempotencyKey = one.idempotency === null ? undefined : `${one.idempotency}-${one.key}-${one.by}`;
  const known = idempotencyKey === undefined ? undefined : model.answers.get(idempotencyKey);
  const n = await real.node.count(one.key, one.by, idempotencyKey === undefined ? {} : { idempotencyKey });
  if (known !== undefined) {
    expect(n).toBe(known.n);
    return;
  }
  model.counts[one.key] += one.by;
  if (idempotencyKey !== undefined) model.answers.set(idempotencyKey, { ...one, n });
}

/** Whatever was to be done, while a call of this instance is on its way. */
async function beside(
  work: () => Promise<unknown>,
  during: Key | null,
  { real, model, mayFail = false }: { real: Real; model: Model; mayFail?: boolean },
): Promise<void> {
  const calling = during === null ? Promise.resolve() : invoke(real, model, { key: during, by: 1, idempotency: null });
  await Promise.all([work(), mayFail ? calling.catch(onlySuspect) : calling]);
}

async function take(one: Step, real: Real, model: Model): Promise<void> {
  const both = { real, model };
  switch (one.kind) {
    case 'calls':
      // In the order in which they are sent, so that the model knows what each must have been told.
      for (const each of one.calls) await invoke(real, model, each);
      return;
    case 'promote': {
      const hash = real.bench.version(versionOf(one.state));
      // To an older shape it may be refused, with nothing changed.
      await beside(() => real.node.promote(hash).catch(onlyRefused), one.during, both);
      return;
    }
    case 'rollback':
      await beside(() => real.node.rollback().catch(onlyRefused), one.during, both);
      return;
    case 'kill':
      await beside(() => hosts.kill(one.host), one.during, { ...both, mayFail: true });
      return;
    case 'restart':
      await real.node.close();
      real.node = await real.bench.node();
      return;
    case 'keep':
      for (const each of KEYS) await real.node.worker.states.decide(each, 'keep').catch(onlyRefused);
  }
}

/** It ran in the host at the moment of its end: it is told so, and nothing of it is kept. */
function onlySuspect(error: unknown): void {
  const { code, details } = error as { code: string; details: { failure: string } };
  expect(['agent_error host_lost', 'cpu_limit cpu_limit']).toContain(`${code} ${details.failure}`);
}

function onlyRefused(error: unknown): void {
  expect(['validation_failed', 'invalid_state', 'not_found']).toContain((error as { code?: string }).code);
}

async function live(steps: readonly Step[]): Promise<void> {
  await using bench = await StateBench.open(database, hosts);
  const real: Real = { bench, node: await bench.node() };
  const model: Model = { counts: { a: 0, b: 0, c: 0 }, answers: new Map() };
  await real.node.promote(bench.version(versionOf(1)));
  for (const one of steps) await take(one, real, model);
  const kept = await Promise.all(KEYS.map(async (each) => [each, await real.node.count(each, 0)]));
  expect(Object.fromEntries(kept)).toEqual(model.counts);
  expect(real.node.errors).toEqual([]);
}

test('every count that was acknowledged is there once', async () => {
  const runs = Number(process.env['STATE_MODEL_RUNS'] ?? 8);
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 20 }), live), { numRuns: runs, endOnFailure: false });
});

test('many instances under load, over swaps up and down, rollbacks and killed hosts: nothing is lost or doubled', async () => {
  await using bench = await StateBench.open(database, hosts);
  const node = await bench.node();
  const hashes = [1, 2, 3, 4].map((state) => bench.version(versionOf(state)));
  await node.promote(hashes[0] ?? '');
  const told = new Map(Array.from({ length: 30 }, (_, n) => [`k${n}`, 1]));
  await Promise.all([...told.keys()].map((one) => node.count(one)));
  let going = true;
  const callers = [...told.keys()].map(async (one) => {
    while (going) {
      const n = await node.count(one).catch((error: unknown) => {
        onlySuspect(error);
        return null;
      });
      if (n === null) continue;
      const count = (told.get(one) ?? 0) + 1;
      expect(n).toBe(count);
      told.set(one, count);
    }
  });
  const swaps = async (): Promise<void> => {
    for (const hash of [hashes[1], hashes[2]]) await node.promote(hash ?? '');
    await hosts.kill(0);
    await node.rollback();
    await node.rollback(hashes[0]);
    await node.promote(bench.version({ ...versionOf(4) }));
    await hosts.kill(1);
    await node.rollback(hashes[1]);
  };
  await swaps().finally(() => (going = false));
  await Promise.all(callers);
  const kept = await Promise.all([...told.keys()].map(async (one) => [one, await node.count(one, 0)] as const));
  expect(new Map(kept)).toEqual(told);
  expect(node.errors).toEqual([]);
});
