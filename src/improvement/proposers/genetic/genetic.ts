/*
 * Proposer without a model: genetic programming over the functions that a contract marks as evolvable.
 *
 * 1. The functions are read into expression trees (parse.ts); one outside the grammar starts from nothing.
 * 2. Islands of trees breed (variation.ts), more often in the ways that brought something lately (variation-mix.ts). Each
 *    child is simplified (condense.ts), dropped when it behaves like one seen before (behaviour.ts), and written as
 *    TypeScript (emit.ts). A larger one must be better by a little for each node.
 * 3. Batches are scored on selection draws, several under way at a time; a child that is certain to be worse than its
 *    island's last member is given up early. Every so often the draws are exchanged and the islands reviewed, so that
 *    nothing lives on the luck of one draw. Migrants travel in a ring; islands that stagnate start again (search.ts).
 * 4. The champions meet fresh draws and lose the parts they do not need (finalists.ts); a few different ones remain, best
 *    first, for validation to decide.
 *
 * The same seed, scores and number of candidates give the same result; only the end of the budget depends on the clock.
 */
import type { CandidateScore, ProposalRequest, Proposer, ProposerEvent } from '../../proposer.ts';
import { randomFrom } from '../../random.ts';
import { chooseFinalists } from './finalists.ts';
import { readFunctions, toCandidate } from './functions.ts';
import { createPace } from './pace.ts';
import type { Rest } from './breeding.ts';
import { createScoring, type Scoring } from './scoring.ts';
import { createSearch, freshSeeds, type Batch, type Search, type SearchSettings } from './search.ts';
import { VARIATION_WEIGHTS } from './variation.ts';

export interface GeneticOptions extends SearchSettings {
  /** Nodes a candidate's functions may have together, and how deep they may be nested. */
  maxSize: number;
  maxDepth: number;
  /** Batches being scored at a time; no more than there are islands. */
  batchesInFlight: number;
  /** Candidates handed over at the end. */
  candidates: number;
  /** Members of the islands that meet the finale at most: what was best on the draws of the search need not be best on others. */
  champions: number;
  /** What is done with them: fresh draws, and the best two lose what they do not need; fresh draws alone; nothing. */
  finale: 'full' | 'unpruned' | 'none';
  /** Children that are bred at most; the search may end with this before its budget does. */
  maxBred: number;
  /** Milliseconds, monotonic. */
  now(): number;
}

const DEFAULTS: GeneticOptions = {
  islands: 4,
  // Three times as many are no better after 40,000 samples, and far behind after 3,000 and 10,000, on both families of the bin-packing bench.
  islandSize: 4,
  batchSize: 12,
  samples: 5,
  epochCandidates: 1_500,
  migrationRounds: 12,
  staleBatches: 12,
  maxSize: 60,
  maxDepth: 12,
  parsimony: 0.0003,
  cascade: true,
  novelty: true,
  simplify: true,
  variations: VARIATION_WEIGHTS,
  adaptive: true,
  batchesInFlight: 4,
  candidates: 4,
  champions: 24,
  finale: 'full',
  maxBred: Infinity,
  now: () => performance.now(),
};

/** Shares of the budget that are kept for the end: for the champions on fresh draws, and with the pruning. */
const FIELD_SHARE = 0.06;
const FINALE_SHARES = { full: 0.15, unpruned: FIELD_SHARE, none: 0 };
/** Champions that there is always time for. */
const LEAST_FIELD = 4;
/** Draws of the finale, in draws of the search. */
const FINALE_DRAWS = 2;
/** How much dearer a node is in code that will be read. */
const NODE_COST_FACTOR = 3;
/** Longest time on the event loop without giving way. */
const SLICE_MS = 4;
const PROGRESS_EVERY_MS = 250;

export function geneticProposer(options: Partial<GeneticOptions> = {}): Proposer {
  const settings = { ...DEFAULTS, ...options };
  return { name: 'genetic', free: true, propose: (request) => propose(request, settings) };
}

async function* propose(request: ProposalRequest, settings: GeneticOptions): AsyncGenerator<ProposerEvent, void, undefined> {
  const startedMs = settings.now();
  const elapsedMs = (): number => settings.now() - startedMs;
  const functions = readFunctions(request.contract, request.sources);
  const rest = createPace({ now: settings.now, sliceMs: SLICE_MS });
  const scoring = createScoring(request, { functions, rest });
  const random = randomFrom(request.seed, 'genetic search');
  const sign = request.contract.objective?.direction === 'minimize' ? 1 : -1;
  const firstSeeds = freshSeeds(settings.samples, random);
  const baseline = await scoring.baseline(firstSeeds);
  const search = createSearch({
    ...settings,
    functions: functions.parameters,
    parent: functions.genome,
    random,
    sign,
    firstSeeds,
    baseline,
  });

  const searchMs = request.budgetMs * (1 - FINALE_SHARES[settings.finale]);
  const progress = (): ProposerEvent => {
    const { generation, best } = search.summary();
    const { evaluated } = scoring.counts;
    const perSecond = evaluated / Math.max(0.001, elapsedMs() / 1000);
    return { type: 'progress', progress: { generation, evaluated, perSecond, best: best ?? baseline, baseline, elapsedMs: elapsedMs() } };
  };
  let shownMs = Number.NEGATIVE_INFINITY;
  for await (const _absorbed of batches(search, { scoring, settings, rest, hasTime: () => elapsedMs() < searchMs })) {
    if (elapsedMs() - shownMs < PROGRESS_EVERY_MS) continue;
    shownMs = elapsedMs();
    yield progress();
  }

  const draws = settings.samples * FINALE_DRAWS;
  const perMs = scoring.counts.evaluated / elapsedMs() / FINALE_DRAWS;
  const affordable = Math.floor(perMs * request.budgetMs * FIELD_SHARE);
  const finalists = await chooseFinalists(search, {
    functions: functions.parameters,
    sign,
    finale: settings.finale,
    field: Math.min(settings.champions, Math.max(LEAST_FIELD, affordable)),
    count: settings.candidates,
    seeds: freshSeeds(draws, random),
    nodeCost: search.nodeCost * NODE_COST_FACTOR,
    scoring,
    over: () => elapsedMs() >= request.budgetMs,
  });
  yield progress();
  const { generation } = search.summary();
  for (const { genome, cost, size } of finalists) {
    const note = `generation ${generation}, one of ${scoring.counts.evaluated} candidates, ${size} nodes`;
    yield { type: 'candidate', ...toCandidate(genome, functions), score: sign * cost, note };
  }
}

interface BatchOptions {
  scoring: Scoring;
  settings: GeneticOptions;
  rest: Rest;
  hasTime(): boolean;
}

/** Breeds, has several batches scored at a time and takes the scores back in the order in which the batches were bred. */
async function* batches(search: Search, { scoring, settings, rest, hasTime }: BatchOptions): AsyncGenerator<Batch, void, undefined> {
  const underWay: { batch: Batch; outcomes: Promise<readonly CandidateScore[]> }[] = [];
  let bred = 0;
  let fruitless = 0;
  for (;;) {
    // When no island finds anything new, the search is at its end.
    while (underWay.length < settings.batchesInFlight && fruitless < settings.islands && bred < settings.maxBred && hasTime()) {
      const batch = await search.next(rest);
      bred += batch.members.length;
      fruitless = batch.members.length === 0 ? fruitless + 1 : 0;
      const outcomes = scoring.individuals(batch.members, batch);
      // It is awaited in its turn; until then a rejection is not unhandled.
      outcomes.catch(() => {});
      underWay.push({ batch, outcomes });
    }
    const first = underWay.shift();
    if (first === undefined) return;
    search.absorb(first.batch, await first.outcomes);
    yield first.batch;
  }
}
