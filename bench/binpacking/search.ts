// One search, and what a gate would make of it: its finalists meet best fit on twenty fresh draws, fed from outside their isolate.
import { chooseWinner } from '#improvement/gate.ts';
import type { PairedReport } from '#improvement/events.ts';
import { pairedReport } from '#improvement/paired-test.ts';
import { geneticProposer, type GeneticOptions } from '#improvement/proposers/genetic/genetic.ts';
import type { Evaluate, ProposerEvent } from '#improvement/proposer.ts';
import { randomFrom, seedsFrom } from '#improvement/random.ts';
import type { Scorer } from './scorer.ts';

const DRAWS = 20;

type Finalist = Extract<ProposerEvent, { type: 'candidate' }>;

export interface Found {
  /** Null: nothing that it found is better than best fit for certain. */
  winner: Finalist | null;
  candidates: number;
  perSecond: number;
  seconds: number;
}

export interface SearchRun {
  seed: number;
  budgetMs: number;
  settings?: Partial<GeneticOptions>;
  /** How the finalists' draws are fed to them. Default outside, as the gate does it. */
  feed?: 'inside' | 'outside';
  /** Put around the scoring of selection samples. */
  around?: (evaluate: Evaluate) => Evaluate;
}

export async function search(
  scorer: Pick<Scorer, 'base' | 'score'>,
  { seed, budgetMs, settings = {}, feed = 'outside', around = (evaluate) => evaluate }: SearchRun,
): Promise<Found> {
  const { contract, sources } = scorer.base;
  const evaluate: Evaluate = (candidates, how) => scorer.score(candidates, { ...how, set: 'selection', feed: 'inside' });
  const { signal } = new AbortController();
  const finalists: Finalist[] = [];
  const startedMs = performance.now();
  let evaluated = 0;
  const base = { agent: contract.name, hash: scorer.base.hash, version: 1 };
  const events = geneticProposer(settings).propose({
    improvement: 'bench',
    base,
    before: { runs: 0, rejected: [], made: [] },
    earlier: [],
    contract,
    sources,
    goal: '',
    evidence: '',
    budgetMs,
    seed,
    evaluate: around(evaluate),
    signal,
  });
  for await (const event of events) {
    if (event.type === 'candidate') finalists.push(event);
    else if (event.type === 'progress') evaluated = event.progress.evaluated;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const winner = await validated(scorer, finalists, { seed, feed });
  return { winner, candidates: evaluated, perSecond: evaluated / seconds, seconds };
}

/** The best of those that pass, by draws that no search has seen. */
async function validated(
  scorer: Pick<Scorer, 'base' | 'score'>,
  finalists: readonly Finalist[],
  { seed, feed }: { seed: number; feed: 'inside' | 'outside' },
): Promise<Finalist | null> {
  const seeds = seedsFrom(seed, 'validation', DRAWS);
  const [base, ...scored] = await scorer.score([{ files: {} }, ...finalists], {
    set: 'validation',
    feed,
    seeds,
  });
  if (!base?.ok) throw new Error(`best fit could not be scored: ${base?.reason}`);
  const reports = new Map<number, PairedReport>();
  for (const [index, one] of scored.entries()) {
    if (!one.ok) continue;
    const random = randomFrom(seed, `validation ${index}`);
    reports.set(index, pairedReport({ base: base.scores, candidate: one.scores }, { direction: 'minimize', random }));
  }
  const chosen = chooseWinner(reports, { ...scorer.base.contract.improvement, candidates: finalists.length });
  return chosen === null ? null : (finalists[chosen.index] ?? null);
}
