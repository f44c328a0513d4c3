// What each mechanism of the genetic search is worth: the search without it against the whole search, with the same amount of work,
// on all columns of both families of the published table, over several seeds. Work is counted in samples and not in seconds, so the same seeds give the same table on any
// machine, however busy; and as scores are the same with and without walls around them, they come from plain node.
import type { BaseVersion } from '#improvement/base-version.ts';
import { readFunctions } from '#improvement/proposers/genetic/functions.ts';
import type { GeneticOptions } from '#improvement/proposers/genetic/genetic.ts';
import { VARIATION_NAMES, VARIATION_WEIGHTS, type VariationName } from '#improvement/proposers/genetic/variation.ts';
import type { Candidate, Evaluate } from '#improvement/proposer.ts';
import { seedsFrom } from '#improvement/random.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { UNIFORM, WEIBULL, type Family } from './binpacking/family.ts';
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

/** What a search finds. */
interface Result {
  /** Of its rule on the test draws, per cent, by column of its family. */
  excesses: readonly number[];
  /** Of its rule: what there is to read. */
  nodes: number;
}

const FAMILIES: readonly Family[] = [WEIBULL, UNIFORM];

/** One population as large as the islands together. */
const ONE_ISLAND = { islands: 1, islandSize: 16, batchesInFlight: 1 };

function without(name: VariationName): Variant {
  return { name: `no ${name}`, key: name, settings: { variations: { ...VARIATION_WEIGHTS, [name]: 0 } } };
}

/**
 * The search has no archive besides its islands: what it remembers is who is in them, and what the champions are chosen from at its end.
 * Without that it is the one that was best on the draws of the search.
 */
const ONE_CHAMPION = { champions: 1 };

const VARIANTS: readonly Variant[] = [
  { name: 'fixed weights: variations do not follow what they bring', key: 'adaptive', settings: { adaptive: false } },
  { name: 'no islands: one population of 16', key: 'islands', settings: ONE_ISLAND },
  { name: 'no migration', key: 'migration', settings: { migrationRounds: Infinity } },
  { name: 'no fresh starts of islands', key: 'restarts', settings: { staleBatches: Infinity } },
  { name: 'no novelty: repetitions are scored again', key: 'novelty', settings: { novelty: false } },
  { name: 'no pace: only what is certain to be worse stops', key: 'pace', settings: { cascade: false } },
  { name: 'no cascade: every candidate meets all draws', key: 'cascade', settings: {}, stopping: false },
  { name: 'greedy: only the best is kept', key: 'population', settings: { islands: 1, islandSize: 1, batchesInFlight: 1 } },
  ...VARIATION_NAMES.map(without),
  { name: 'no simplification while breeding', key: 'simplification', settings: { simplify: false } },
  { name: 'no price on size', key: 'parsimony', settings: { parsimony: 0 } },
  { name: 'no fresh training draws', key: 'fresh_draws', settings: { epochCandidates: Infinity } },
  { name: 'one champion instead of 24 meets the finale', key: 'archive', settings: ONE_CHAMPION },
  { name: 'no pruning at the end', key: 'pruning', settings: { finale: 'unpruned' } },
  { name: 'no finale: champions as the search has them', key: 'finale', settings: { finale: 'none' } },
  { name: 'one finalist instead of four', key: 'finalists', settings: { candidates: 1 } },
];
const WHOLE: Variant = { name: 'the whole search', key: 'whole', settings: {} };

/** What a candidate costs besides its samples, in samples: an isolate, and code that runs for the first time. */
const CANDIDATE_WORK = 4;
const TEST_DRAWS = 20;
const CORES = 2;

export const ablation: Benchmark = async ({ quick, say, budgetMs = quick ? 3_000 : 10_000, seeds = quick ? 1 : 12, only }) => {
  const variants = VARIANTS.filter(({ key }) => only?.includes(key) ?? true);
  const numbers = Array.from({ length: seeds }, (_, index) => index + 1);
  const bases = await Promise.all(FAMILIES.map(async (family) => ({ family, base: await baseOf(family) })));
  /** By family, a result a seed. */
  const resultsOf = async (variant: Variant): Promise<Result[][]> => {
    const results: Result[][] = [];
    for (const from of bases) {
      const ofFamily = await eachOnACore(numbers, from, (scorer, seed) =>
        run(scorer, variant, { family: from.family, seed, work: budgetMs }),
      );
      const shown = ofFamily.map(({ excesses, nodes }) => `${excesses.map((excess) => excess.toFixed(2)).join('/')} (${nodes})`);
      say(`${variant.name}, ${from.family.title}: ${shown.join(' ')}`);
      results.push(ofFamily);
    }
    return results;
  };
  const whole = await resultsOf(WHOLE);
  const measured: { variant: Variant; results: Result[][]; worth: number[] }[] = [];
  for (const variant of variants) {
    const results = await resultsOf(variant);
    const worth = results.flatMap((ofFamily, family) =>
      ofFamily.flatMap(({ excesses }, index) =>
        excesses.map((excess, column) => moreThan(excess, whole[family]![index]!.excesses[column]!)),
      ),
    );
    measured.push({ variant, results, worth });
  }
  const row = ({ name }: Variant, results: readonly Result[][], worth?: readonly number[]): Row => ({
    name,
    values: {
      ...Object.fromEntries(columnsOf(results).map(({ title, excesses }) => [title, round(median(excesses), 2)])),
      nodes: median(results.flat().map(({ nodes }) => nodes)),
      ...(worth !== undefined && {
        'worse by %, median': round(median(worth), 1),
        'of each': spread(worth),
        'worse in': `${worth.filter((one) => one > 0).length} of ${worth.length}`,
        'better in': `${worth.filter((one) => one < 0).length} of ${worth.length}`,
      }),
    },
  });
  return {
    rows: [row(WHOLE, whole), ...measured.map(({ variant, results, worth }) => row(variant, results, worth))],
    figures: {
      work: budgetMs,
      seeds,
      ...Object.fromEntries(columnsOf(whole).map(({ key, excesses }) => [key, round(median(excesses), 2)])),
      ...Object.fromEntries(measured.map(({ variant, worth }) => [variant.key, round(median(worth), 1)])),
    },
  };
};

/** What each column of each family has come to, an excess a seed. */
function columnsOf(results: readonly Result[][]): { key: string; title: string; excesses: number[] }[] {
  return FAMILIES.flatMap(({ columns }, family) =>
    columns.map(({ key, title }, column) => ({ key, title, excesses: results[family]!.map(({ excesses }) => excesses[column]!) })),
  );
}

/** Per cent. */
function moreThan(excess: number, whole: number): number {
  return 100 * (excess / whole - 1);
}

/** What a search finds with so much work. */
async function run(
  scorer: PlainScorer,
  { settings, stopping = true }: Variant,
  { family, seed, work }: { family: Family; seed: number; work: number },
): Promise<Result> {
  let done = 0;
  const around = (evaluate: Evaluate): Evaluate => {
    return async (candidates, { seeds, stopAt, paceAt }) => {
      const outcomes = await evaluate(candidates, stopping ? { seeds, stopAt, paceAt } : { seeds });
      for (const outcome of outcomes) done += CANDIDATE_WORK + (outcome.ok ? outcome.scores.length : 0);
      return outcomes;
    };
  };
  const { winner } = await search(scorer, { seed, budgetMs: work, settings: { ...settings, now: () => done }, feed: 'inside', around });
  const rule = winner ?? { files: {} };
  const excesses: number[] = [];
  for (const { key, task } of family.columns) {
    const seeds = seedsFrom(1, `ablation test ${key}`, TEST_DRAWS);
    const [scored] = await scorer.scoreOn([task], [rule], { set: 'test', feed: 'inside', seeds });
    if (!scored?.ok) throw new Error(`a winner could not be scored: ${scored?.reason}`);
    excesses.push(scored.mean);
  }
  return { excesses, nodes: nodesOf(scorer.base, rule) };
}

function nodesOf({ contract, sources }: BaseVersion, { files }: Candidate): number {
  const { genome } = readFunctions(contract, { ...sources, ...files });
  if (genome === undefined) throw new Error('a winner could not be read');
  return genome.reduce((sum, { size }) => sum + size, 0);
}

/** The contract is all that is needed of the hosts. */
async function baseOf(family: Family): Promise<BaseVersion> {
  await using scorer = await Scorer.start(await familyFolder(family));
  return scorer.base;
}

async function eachOnACore<Answer>(
  seeds: readonly number[],
  { family, base }: { family: Family; base: BaseVersion },
  work: (scorer: PlainScorer, seed: number) => Promise<Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  let taken = 0;
  await Promise.all(
    Array.from({ length: CORES }, async (_, core) => {
      await using scorer = new PlainScorer(base, family, `plain ${core}`);
      while (taken < seeds.length) {
        const index = taken++;
        answers[index] = await work(scorer, seeds[index]!);
      }
    }),
  );
  return answers;
}
