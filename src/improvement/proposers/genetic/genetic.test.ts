import { describe, expect, test, vi } from 'vitest';
import { contractSchema, type ContractData } from '#kernel/compiler/contract.ts';
import type { Candidate, Evaluate, ProposalRequest, ProposerEvent } from '../../proposer.ts';
import { callable } from './arbitrary-tree.ts';
import { geneticProposer, type GeneticOptions } from './genetic.ts';

const SMALL: Partial<GeneticOptions> = { islands: 3, islandSize: 8, batchSize: 6, samples: 2, batchesInFlight: 3, maxBred: 500 };

function contract(direction: 'minimize' | 'maximize' = 'minimize'): ContractData {
  const range = { min: 0, max: 20, integer: true };
  return contractSchema.parse({
    contract: 1,
    name: 'tested',
    summary: '',
    exports: [
      {
        kind: 'evolvable',
        name: 'cost',
        parameters: [
          { name: 'a', ...range },
          { name: 'b', ...range },
        ],
      },
    ],
    limits: {},
    objective: { name: 'error', direction },
  });
}

const sources = { 'agent.ts': 'export function cost(a: number, b: number): number {\n  return a;\n}\n', 'contract.ts': '' };

/** Mean distance from a > b ? 3 * b : a + 1, on points that follow from the seed. */
function errorOf(body: string, seed: number): number {
  const call = callable(body, ['a', 'b']);
  let sum = 0;
  for (let point = 0; point < 20; point++) {
    const a = (seed + point * 7) % 21;
    const b = (seed + point * 5) % 21;
    const value = call(a, b);
    sum += Math.min(100, Math.abs((Number.isFinite(value) ? value : 1e9) - (a > b ? 3 * b : a + 1)));
  }
  return sum / 20;
}

function bodyOf(candidate: Candidate): string {
  return candidate.bodies?.['cost'] ?? '\n  return a;\n';
}

const evaluate: Evaluate = (candidates, { seeds }) =>
  Promise.resolve(
    candidates.map((candidate) => ({ ok: true, scores: seeds.map((seed) => errorOf(bodyOf(candidate), seed % 1_000)), stopped: false })),
  );

function request(given: Partial<ProposalRequest> = {}): ProposalRequest {
  const { signal } = new AbortController();
  const base = { agent: 'any', hash: 'base', version: 1 };
  const asked = { improvement: 'i1', base, goal: '', evidence: '', before: { runs: 0, rejected: [], made: [] }, earlier: [] };
  return { ...asked, contract: contract(), sources, budgetMs: 60_000, seed: 7, evaluate, signal, ...given };
}

async function collect(
  events: AsyncIterable<ProposerEvent>,
): Promise<{ progress: Extract<ProposerEvent, { type: 'progress' }>[]; candidates: Extract<ProposerEvent, { type: 'candidate' }>[] }> {
  const all: ProposerEvent[] = [];
  for await (const event of events) all.push(event);
  return { progress: all.filter((event) => event.type === 'progress'), candidates: all.filter((event) => event.type === 'candidate') };
}

describe('geneticProposer', () => {
  test('proposes a few different candidates that are better, best first, as complete files', async () => {
    const { progress, candidates } = await collect(geneticProposer({ ...SMALL, maxBred: 2_000 }).propose(request()));
    expect(candidates.length).toBeGreaterThan(1);
    expect(candidates.length).toBeLessThanOrEqual(4);
    expect(candidates[0]!.score).toBeLessThan(progress[0]!.progress.baseline / 1.5);
    expect(new Set(candidates.map(bodyOf)).size).toBe(candidates.length);
    expect(candidates[0]!.files['agent.ts']).toBe(`export function cost(a: number, b: number): number {${bodyOf(candidates[0]!)}}\n`);
    expect(Object.keys(candidates[0]!.files)).toEqual(['agent.ts']);
    expect(progress.at(-1)!.progress).toMatchObject({ evaluated: expect.any(Number), generation: expect.any(Number) });
    expect(progress.at(-1)!.progress.evaluated).toBeGreaterThanOrEqual(2_000);
  });

  test('the same seed gives the same candidates, whatever order the scores come back in', async () => {
    let turn = 0;
    const shuffled: Evaluate = async (candidates, options) => {
      for (let wait = (turn++ * 7) % 5; wait > 0; wait--) await new Promise(setImmediate);
      return evaluate(candidates, options);
    };
    const now = (): number => 0;
    const settings = { ...SMALL, now };
    const plain = await collect(geneticProposer(settings).propose(request()));
    const jumbled = await collect(geneticProposer(settings).propose(request({ evaluate: shuffled })));
    const other = await collect(geneticProposer(settings).propose(request({ seed: 8 })));
    expect(jumbled.candidates).toEqual(plain.candidates);
    expect(other.candidates).not.toEqual(plain.candidates);
  });

  test('keeps several batches under way', async () => {
    let underWay = 0;
    let most = 0;
    const counted: Evaluate = async (candidates, options) => {
      most = Math.max(most, ++underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      return evaluate(candidates, options);
    };
    await collect(geneticProposer(SMALL).propose(request({ evaluate: counted })));
    expect(most).toBe(3);
  });

  test('ends with its budget', async () => {
    let clockMs = 0;
    const slow: Evaluate = (candidates, options) => {
      clockMs += candidates.length * 10;
      return evaluate(candidates, options);
    };
    const endless = geneticProposer({ ...SMALL, maxBred: Infinity, now: () => clockMs });
    const { candidates } = await collect(endless.propose(request({ budgetMs: 4_000, evaluate: slow })));
    expect(candidates.length).toBeGreaterThan(0);
    expect(clockMs).toBeGreaterThan(3_400);
    expect(clockMs).toBeLessThan(5_500);
  });

  test('cancelling ends it at once, even while scores are outstanding', async () => {
    const controller = new AbortController();
    let calls = 0;
    const stuck: Evaluate = (candidates, options) => (++calls > 3 ? new Promise(() => {}) : evaluate(candidates, options));
    const running = collect(geneticProposer(SMALL).propose(request({ evaluate: stuck, signal: controller.signal })));
    await vi.waitFor(() => expect(calls).toBeGreaterThan(3));
    controller.abort('cancelled');
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await expect(collect(geneticProposer(SMALL).propose(request({ signal: controller.signal })))).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  test('an evaluator that breaks down ends it with its own error', async () => {
    let calls = 0;
    const broken: Evaluate = (candidates, options) =>
      ++calls > 2 ? Promise.reject(new Error('no host is left')) : evaluate(candidates, options);
    await expect(collect(geneticProposer(SMALL).propose(request({ evaluate: broken })))).rejects.toThrow('no host is left');
  });

  test('a version that can not be scored itself is said to be so', async () => {
    const failing: Evaluate = (candidates) => Promise.resolve(candidates.map(() => ({ ok: false, reason: 'threw: nothing works' })));
    await expect(collect(geneticProposer(SMALL).propose(request({ evaluate: failing })))).rejects.toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining('nothing works'),
    });
  });

  test('proposes nothing when nothing is better', async () => {
    const flat: Evaluate = (candidates, { seeds }) =>
      Promise.resolve(candidates.map(() => ({ ok: true, scores: seeds.map(() => 3), stopped: false })));
    const { candidates } = await collect(geneticProposer({ ...SMALL, maxBred: 200 }).propose(request({ evaluate: flat })));
    expect(candidates).toEqual([]);
  });

  test('without a finale the champions are as the search has them; unpruned ones are no smaller', async () => {
    const asked = async (finale: GeneticOptions['finale']) => {
      const draws = new Set<string>();
      const counting: Evaluate = (candidates, options) => {
        if (options.seeds.length === 4) draws.add(candidates.map(bodyOf).join());
        return evaluate(candidates, options);
      };
      const settings = { ...SMALL, finale, now: () => 0 };
      return { draws, ...(await collect(geneticProposer(settings).propose(request({ evaluate: counting })))) };
    };
    const [full, unpruned, none] = [await asked('full'), await asked('unpruned'), await asked('none')];
    // Only the version to better meets the draws of the finale then.
    expect(none.draws.size).toBe(1);
    expect(unpruned.draws.size).toBe(2);
    expect(full.draws.size).toBeGreaterThan(2);
    expect(bodyOf(full.candidates[0]!).length).toBeLessThanOrEqual(bodyOf(unpruned.candidates[0]!).length);
    for (const { candidates } of [full, unpruned, none]) expect(candidates).toHaveLength(4);
  });

  test('maximizes where the contract says so', async () => {
    const share: Evaluate = (candidates, { seeds }) =>
      Promise.resolve(
        candidates.map((candidate) => ({
          ok: true,
          scores: seeds.map((seed) => 1 / (1 + errorOf(bodyOf(candidate), seed % 1_000))),
          stopped: false,
        })),
      );
    const { progress, candidates } = await collect(
      geneticProposer(SMALL).propose(request({ contract: contract('maximize'), evaluate: share })),
    );
    expect(candidates[0]!.score).toBeGreaterThan(progress[0]!.progress.baseline);
  });

  test('gives way to the event loop while it breeds', async () => {
    let turns = 0;
    let running = true;
    const beat = (): void => {
      turns += 1;
      if (running) setImmediate(beat);
    };
    setImmediate(beat);
    // A clock that moves by being looked at: every slice is a fixed number of steps. The scores come without a turn of the loop.
    let clockMs = 0;
    const now = (): number => (clockMs += 0.5);
    await collect(geneticProposer({ ...SMALL, now }).propose(request()));
    running = false;
    expect(turns).toBeGreaterThan(50);
  });
});
