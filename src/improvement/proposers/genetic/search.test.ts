import { describe, expect, test } from 'vitest';
import type { CandidateScore } from '../../proposer.ts';
import { randomFrom } from '../../random.ts';
import { PARAMETERS } from './arbitrary-tree.ts';
import { argumentGrid, fingerprint } from './behaviour.ts';
import { apply, evaluate, parameter, type Expression } from './expression.ts';
import { VARIATION_WEIGHTS } from './variation.ts';
import { createSearch, type Batch, type SearchOptions } from './search.ts';

const rest = (): Promise<void> => Promise.resolve();
const parent = [apply('negate', parameter(0))];

function search(given: Partial<SearchOptions> = {}) {
  return createSearch({
    functions: [PARAMETERS],
    parent,
    random: randomFrom(1, 'search test'),
    sign: 1,
    firstSeeds: [1, 2],
    baseline: 10,
    islands: 3,
    islandSize: 8,
    samples: 2,
    batchSize: 6,
    epochCandidates: 1_000,
    migrationRounds: 5,
    staleBatches: 100,
    maxSize: 40,
    maxDepth: 10,
    parsimony: 0.0003,
    cascade: true,
    novelty: true,
    simplify: true,
    variations: VARIATION_WEIGHTS,
    adaptive: true,
    ...given,
  });
}

/** How far the function is from |item - 2 * residual|, with a little luck for each seed. */
function error(tree: Expression, seed: number): number {
  let sum = 0;
  for (const item of [1, 7, 20, 55, 90]) {
    for (const residual of [-5, 0, 8, 30, 50]) {
      const value = evaluate(tree, [item, residual, 0.5]);
      sum += Math.min(1_000, Math.abs((Number.isFinite(value) ? value : 1e9) - Math.abs(item - 2 * residual)));
    }
  }
  return sum / 25 + (seed % 10) / 100;
}

function judge(batch: Batch): CandidateScore[] {
  return batch.members.map((member) => ({ ok: true, scores: batch.seeds.map((seed) => error(member.genome[0]!, seed)), stopped: false }));
}

async function run(own: ReturnType<typeof search>, rounds: number, score: (batch: Batch) => CandidateScore[] = judge): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let round = 0; round < rounds; round++) {
    const batch = await own.next(rest);
    own.absorb(batch, score(batch));
    batches.push(batch);
  }
  return batches;
}

describe('search', () => {
  test('gets better, and its champions are sorted', async () => {
    const own = search();
    await run(own, 120);
    const champions = own.champions(5);
    expect(champions[0]!.cost).toBeLessThan(error(parent[0]!, 1) / 3);
    expect(champions.map((one) => one.cost + own.nodeCost * one.size)).toEqual(
      champions.map((one) => one.cost + own.nodeCost * one.size).toSorted((a, b) => a - b),
    );
  });

  test('the same seed and scores give the same batches', async () => {
    const [first, second] = [await run(search(), 40), await run(search(), 40)];
    expect(second.map((batch) => batch.members.map((member) => member.genome))).toEqual(
      first.map((batch) => batch.members.map((member) => member.genome)),
    );
  });

  test('the parent is in the population, and nothing is bred that behaves like something before', async () => {
    const grid = argumentGrid(PARAMETERS);
    const batches = await run(search(), 60);
    expect(batches[0]!.members[0]!.genome).toEqual(parent);
    const bred = batches.flatMap((batch) => batch.members.filter((member) => member.genome !== parent));
    const prints = bred.map((member) => fingerprint(member.genome, [grid]));
    expect(new Set(prints).size).toBe(prints.length);
    expect(prints).not.toContain(fingerprint(parent, [grid]));
  });

  test('without novelty what behaves alike is scored again', async () => {
    const grid = argumentGrid(PARAMETERS);
    const batches = await run(search({ novelty: false }), 60);
    const prints = batches.flatMap((batch) => batch.members.map((member) => fingerprint(member.genome, [grid])));
    expect(new Set(prints).size).toBeLessThan(prints.length);
  });

  test('children are given up at the cost of the last member of a full island', async () => {
    const batches = await run(search({ islands: 1 }), 10);
    expect(batches[0]).toMatchObject({ purpose: 'found', stopAt: undefined });
    expect(batches[1]).toMatchObject({ purpose: 'breed', stopAt: expect.any(Number) });
    const founders = batches[0]!.members.map((member) => member.cost);
    expect(founders).toContain(batches[1]!.stopAt);
    expect(batches[9]!.stopAt).toBeLessThan(batches[1]!.stopAt!);
  });

  test('what was given up or failed is not kept', async () => {
    const own = search();
    const batches = await run(own, 30, (batch) =>
      judge(batch).map((score, index) =>
        index % 3 === 0 ? { ok: false, reason: 'threw' } : index % 3 === 1 && score.ok ? { ...score, stopped: true } : score,
      ),
    );
    const kept = new Set(own.champions(1_000));
    const scored = new Set(batches.flatMap((batch) => batch.members.filter((_member, index) => index % 3 === 2)));
    expect(kept.size).toBeGreaterThan(0);
    for (const member of kept) expect(scored.has(member)).toBe(true);
  });

  test('an epoch brings fresh draws, on which every island is reviewed before it breeds on', async () => {
    const own = search({ epochCandidates: 60 });
    const batches = await run(own, 60);
    const reviews = batches.filter((batch) => batch.purpose === 'review');
    expect(reviews.length).toBeGreaterThanOrEqual(6);
    for (const review of reviews) expect(review.seeds).not.toEqual([1, 2]);
    expect(reviews.at(-1)!.members.some((member) => member.scores.length >= 6)).toBe(true);
  });

  test('a stagnating island of the weaker half begins anew with a migrant; the stronger half does not', async () => {
    const own = search({ islands: 4, staleBatches: 3, epochCandidates: Infinity });
    const batches = await run(own, 200);
    const refounded = batches.slice(4).filter((batch) => batch.purpose === 'found');
    expect(refounded.length).toBeGreaterThan(0);
    // Those of the last round have not had their turn yet.
    expect(own.summary().restarts - refounded.length).toBeLessThanOrEqual(4);
    for (const batch of refounded) expect(batch.members.length).toBeLessThanOrEqual(7);
    const best = batches.flatMap((batch) => batch.members).reduce((low, member) => Math.min(low, member.cost), Infinity);
    expect(own.summary().best).toBeCloseTo(best, 9);
  });

  test('variations that bring something are bred more often, unless they are not to be', async () => {
    const pointsIn = async (adaptive: boolean): Promise<number> => {
      let best = 1_000;
      // Nothing else is ever worth keeping, and each of these is better than all before.
      const onlyPoints = (batch: Batch): CandidateScore[] =>
        batch.members.map(({ origin }) =>
          batch.purpose === 'breed' && origin?.variation !== 'point'
            ? { ok: false, reason: 'threw' }
            : { ok: true, scores: batch.seeds.map(() => best--), stopped: false },
        );
      const batches = await run(search({ adaptive }), 250, onlyPoints);
      const bred = batches.slice(-100).flatMap(({ purpose, members }) => (purpose === 'breed' ? members : []));
      return bred.filter(({ origin }) => origin?.variation === 'point').length / bred.length;
    };
    expect(await pointsIn(true)).toBeGreaterThan(1.5 * (await pointsIn(false)));
  });

  test('migration carries the best from island to island', async () => {
    const without = search({ migrationRounds: 1_000_000 });
    const withMigration = search({ migrationRounds: 1 });
    const spread = async (own: ReturnType<typeof search>): Promise<number> => {
      const batches = await run(own, 90);
      const last = batches.slice(-3).map((batch) => batch.stopAt!);
      return Math.max(...last) / Math.min(...last);
    };
    expect(await spread(withMigration)).toBeLessThanOrEqual(await spread(without));
  });

  test('maximizing turns everything round', async () => {
    const own = search({ sign: -1 });
    const batches = await run(own, 60, (batch) =>
      judge(batch).map((score) => (score.ok ? { ...score, scores: score.scores.map((value) => 1_000 - value) } : score)),
    );
    expect(own.summary().best).toBeGreaterThan(1_000 - error(parent[0]!, 1));
    expect(batches.at(-1)!.stopAt).toBeGreaterThan(0);
  });

  test('a space that is soon exhausted gives smaller batches, down to none', async () => {
    const own = search({ maxSize: 1, functions: [[{ name: 'x', min: 0, max: 1, integer: true }]], parent: undefined, islands: 1 });
    const batches = await run(own, 400, (batch) => batch.members.map(() => ({ ok: true, scores: [1], stopped: false })));
    expect(batches.some((batch) => batch.members.length === 0)).toBe(true);
  });
});
