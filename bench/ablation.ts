// What each mechanism of the genetic search is worth: the search without it against the whole search, with the same amount of work,
// on Weibull lists, over several seeds. Work is counted in samples and not in seconds, so the same seeds give the same table on any
// machine, however busy; and as scores are the same with and without walls around them, they come from plain node.
import type { BaseVersion } from '#improvement/base-version.ts';
import type { GeneticOptions } from '#improvement/proposers/genetic/genetic.ts';
import { VARIATION_WEIGHTS } from '#improvement/proposers/genetic/variation.ts';
import type { Evaluate } from '#improvement/proposer.ts';
import { seedsFrom } from '#improvement/random.ts';
import type { Benchmark } from './benchmark.ts';
import { WEIBULL } from './binpacking/family.ts';
import { familyFolder } from './binpacking/folder.ts';
import { PlainScorer } from './binpacking/plain-scorer.ts';
import { Scorer } from './binpacking/scorer.ts';
import { search } from './binpacking/search.ts';
import { median, round, spread } from './report.ts';

interface Variant {
  name: string;
  /** Of its figure. */
  key: string;
  settings: Partial<GeneticOptions>;
  /** Whether candidates are given up early; default true. */
  stopping?: boolean;
}

/** One population as large as the islands together. */
const ONE_ISLAND = { islands: 1, islandSize: 48, batchesInFlight: 1 };

const VARIANTS: readonly Variant[] = [
  { name: 'no islands: one population of 48', key: 'islands', settings: ONE_ISLAND },
  { name: 'no migration', key: 'migration', settings: { migrationRounds: Infinity } },
  { name: 'no fresh starts of islands', key: 'restarts', settings: { staleBatches: Infinity } },
  { name: 'no novelty: repetitions are scored again', key: 'novelty', settings: { novelty: false } },
  { name: 'no cascade: only what is certain stops', key: 'cascade', settings: { cascade: false } },
  { name: 'no early stopping at all', key: 'stopping', settings: {}, stopping: false },
  { name: 'greedy: only the best is kept', key: 'population', settings: { islands: 1, islandSize: 1, batchesInFlight: 1 } },
  { name: 'no constant tuning', key: 'tuning', settings: { variations: { ...VARIATION_WEIGHTS, tuning: 0 } } },
  { name: 'no crossover', key: 'crossover', settings: { variations: { ...VARIATION_WEIGHTS, crossover: 0 } } },
  { name: 'no simplification while breeding', key: 'simplification', settings: { simplify: false } },
  { name: 'no price on size', key: 'parsimony', settings: { parsimony: 0 } },
  { name: 'no fresh training draws', key: 'fresh_draws', settings: { epochCandidates: Infinity } },
];
const WHOLE: Variant = { name: 'the whole search', key: 'whole', settings: {} };

/** What a candidate costs besides its samples, in samples: an isolate, and code that runs for the first time. */
const CANDIDATE_WORK = 4;
const TEST_DRAWS = 40;
const CORES = 2;

export const ablation: Benchmark = async ({ quick, say, budgetMs = quick ? 3_000 : 40_000, seeds = quick ? 1 : 5 }) => {
  const base = await weibullBase();
  const numbers = Array.from({ length: seeds }, (_, index) => index + 1);
  const excessOf = async (variant: Variant): Promise<number[]> => {
    const excesses = await eachOnACore(numbers, (scorer, seed) => run(scorer, variant, { seed, work: budgetMs }), base);
    say(`${variant.name}: ${excesses.map((excess) => excess.toFixed(2)).join(' ')}`);
    return excesses;
  };
  const whole = await excessOf(WHOLE);
  const results: { variant: Variant; excesses: number[]; worth: number[] }[] = [];
  for (const variant of VARIANTS) {
    const excesses = await excessOf(variant);
    results.push({ variant, excesses, worth: excesses.map((excess, index) => excess - whole[index]!) });
  }
  const row = (name: string, excesses: readonly number[], worth: readonly number[]) => ({
    name,
    values: {
      'excess %, median': round(median(excesses)),
      spread: spread(excesses),
      'worse by, median': round(median(worth)),
      'of each seed': spread(worth),
      'worse in': `${worth.filter((one) => one > 0).length} of ${seeds}`,
    },
  });
  return {
    rows: [
      row(
        WHOLE.name,
        whole,
        whole.map(() => 0),
      ),
      ...results.map(({ variant, excesses, worth }) => row(variant.name, excesses, worth)),
    ],
    figures: {
      whole: round(median(whole)),
      ...Object.fromEntries(results.map(({ variant, worth }) => [variant.key, round(median(worth))])),
    },
  };
};

/** Test excess of the rule that a search finds with so much work, per cent. */
async function run(
  scorer: PlainScorer,
  { settings, stopping = true }: Variant,
  { seed, work }: { seed: number; work: number },
): Promise<number> {
  let done = 0;
  const around = (evaluate: Evaluate): Evaluate => {
    return async (candidates, { seeds, stopAt, paceAt }) => {
      const outcomes = await evaluate(candidates, stopping ? { seeds, stopAt, paceAt } : { seeds });
      for (const outcome of outcomes) done += CANDIDATE_WORK + (outcome.ok ? outcome.scores.length : 0);
      return outcomes;
    };
  };
  const { winner } = await search(scorer, { seed, budgetMs: work, settings: { ...settings, now: () => done }, feed: 'inside', around });
  const testSeeds = seedsFrom(1, 'ablation test', TEST_DRAWS);
  const [scored] = await scorer.score([winner ?? { files: {} }], { set: 'test', feed: 'inside', seeds: testSeeds });
  if (!scored?.ok) throw new Error(`a winner could not be scored: ${scored?.reason}`);
  return scored.mean;
}

/** The contract is all that is needed of the hosts. */
async function weibullBase(): Promise<BaseVersion> {
  await using scorer = await Scorer.start(await familyFolder(WEIBULL));
  return scorer.base;
}

async function eachOnACore<Answer>(
  seeds: readonly number[],
  work: (scorer: PlainScorer, seed: number) => Promise<Answer>,
  base: BaseVersion,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let taken = 0;
  await Promise.all(
    Array.from({ length: CORES }, async (_, core) => {
      await using scorer = new PlainScorer(base, `plain ${core}`);
      while (taken < seeds.length) {
        const index = taken++;
        answers[index] = await work(scorer, seeds[index]!);
      }
    }),
  );
  return answers;
}
