// The published table on online bin packing with a column of ours: one search a family and seed, genetic, no network, two cores;
// its rule is measured on all columns of its family, on fresh draws of the published test sets, beside first fit and best fit on
// the same draws. Rules are scored inside their isolates, which spares millions of calls; a sample of each is scored from outside
// as well, and must be the same to the last digit.
import type { ReportedSet } from '#kernel/sandbox/call.ts';
import type { Candidate } from '#improvement/proposer.ts';
import { pairedReport } from '#improvement/paired-test.ts';
import { randomFrom, seedsFrom } from '#improvement/random.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { UNIFORM, WEIBULL, type Column, type Family } from './binpacking/family.ts';
import { familyFolder, withPriority } from './binpacking/folder.ts';
import { Scorer } from './binpacking/scorer.ts';
import { search, type Found } from './binpacking/search.ts';
import { median, round, spread } from './report.ts';

const FAMILIES = [WEIBULL, UNIFORM];
/** Each draw is a whole test set of the published size. */
const DRAWS = 20;
const QUICK_DRAWS = 4;

/** Mean excess over the draws, per cent; wins and p are against best fit. */
interface Measured {
  firstFit: number;
  bestFit: number;
  ours: number;
  wins: number;
  p: number;
}

interface Run extends Found {
  family: Family;
  seed: number;
  columns: ReadonlyMap<string, Measured>;
}

export const binpacking: Benchmark = async ({ quick, say, budgetMs = quick ? 6_000 : 240_000, seeds = quick ? 1 : 5 }) => {
  const draws = quick ? QUICK_DRAWS : DRAWS;
  const runs: Run[] = [];
  for (const family of FAMILIES) {
    await using scorer = await Scorer.start(await familyFolder(family));
    for (let seed = 1; seed <= seeds; seed += 1) {
      const found = await search(scorer, { seed, budgetMs });
      const columns = await measure(scorer, { family, rule: found.winner ?? { files: {} }, seed, draws });
      const run = { ...found, family, seed, columns };
      say(`${family.title}, seed ${seed}: ${family.columns.map(({ key }) => `${key} ${columns.get(key)?.ours.toFixed(2)}`).join(', ')}`);
      if (scorer.lost > 0) say(`  ${scorer.lost} evaluator hosts have ended and were replaced`);
      say(found.winner?.bodies?.['priority'] ?? '  nothing better than best fit was found');
      runs.push(run);
    }
  }
  return { rows: rowsOf(runs, draws), figures: Object.fromEntries(columnsOf(runs).map(({ key, ours }) => [key, round(median(ours))])) };
};

async function measure(
  scorer: Scorer,
  { family, rule, seed, draws }: { family: Family; rule: Candidate; seed: number; draws: number },
): Promise<Map<string, Measured>> {
  const rules = [{ files: withPriority(family, 'return 0;') }, { files: {} }, { files: rule.files }];
  const measured = new Map<string, Measured>();
  for (const { key } of family.columns) {
    const set: ReportedSet = `reported:${key}`;
    const seeds = seedsFrom(seed, `test ${key}`, draws);
    const scored = await scorer.score(rules, { set, feed: 'inside', seeds });
    const [firstFit, bestFit, ours] = scored.map((one) => {
      if (!one.ok) throw new Error(`${key} could not be scored: ${one.reason}`);
      return one.scores;
    });
    if (key === family.columns[0]?.key) await checkFromOutside(scorer, { rule, set, seed: seeds[0]!, expected: ours![0]! });
    const report = pairedReport({ base: bestFit!, candidate: ours! }, { direction: 'minimize', random: randomFrom(seed, `test ${key}`) });
    measured.set(key, { firstFit: mean(firstFit!), bestFit: report.baseMean, ours: report.mean, wins: report.wins, p: report.p });
  }
  return measured;
}

async function checkFromOutside(
  scorer: Scorer,
  { rule, set, seed, expected }: { rule: Candidate; set: ReportedSet; seed: number; expected: number },
): Promise<void> {
  const [outside] = await scorer.score([{ files: rule.files }], { set, feed: 'outside', seeds: [seed] });
  if (!outside?.ok || outside.mean !== expected) {
    throw new Error(
      `${set} scores ${outside?.ok ? outside.mean : outside?.reason} from outside, ${expected} inside: they do not do the same`,
    );
  }
}

function columnsOf(runs: readonly Run[]): (Column & { measured: Measured[]; ours: number[] })[] {
  return FAMILIES.flatMap((family) =>
    family.columns.map((column) => {
      const measured = runs.filter((run) => run.family === family).map((run) => run.columns.get(column.key)!);
      return { ...column, measured, ours: measured.map((one) => one.ours) };
    }),
  );
}

function rowsOf(runs: readonly Run[], draws: number): Row[] {
  const columns = columnsOf(runs);
  const row = (name: string, value: (column: (typeof columns)[number]) => string | number): Row => ({
    name,
    values: Object.fromEntries(columns.map((column) => [column.title, value(column)])),
  });
  return [
    row('first fit, published', ({ published }) => published.firstFit),
    row('first fit, these draws', ({ measured }) => round(mean(measured.map((one) => one.firstFit)), 2)),
    row('best fit, published', ({ published }) => published.bestFit),
    row('best fit, these draws', ({ measured }) => round(mean(measured.map((one) => one.bestFit)), 2)),
    row('best published', ({ published }) => published.found),
    row('ours, median of the seeds', ({ ours }) => round(median(ours), 2)),
    row('ours, spread', ({ ours }) => spread(ours)),
    row(`draws of ${draws} better than best fit, least`, ({ measured }) => Math.min(...measured.map((one) => one.wins))),
    row('p of the paired test, largest', ({ measured }) => Math.max(...measured.map((one) => one.p)).toPrecision(1)),
    ...runs.map((run) => ({
      name: `${run.family.title}, seed ${run.seed}`,
      values: {
        ...Object.fromEntries(run.family.columns.map(({ key, title }) => [title, round(run.columns.get(key)!.ours, 2)])),
        candidates: run.candidates,
        'per s': round(run.perSecond, 0),
        minutes: round(run.seconds / 60, 2),
      },
    })),
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
