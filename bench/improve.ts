// The packer improved by the genetic proposer, as a user would: over the operations of a running node, on two cores, with no
// network. What is quoted is the test set, and a paired comparison with best fit on fresh draws.
import { startSeed, type SeedProcess } from '../test/seed-process.ts';
import type { Benchmark } from './benchmark.ts';
import { median, round } from './report.ts';

interface Improvement {
  id: string;
  state: string;
  reason: string;
  test: number | null;
  baseline: number | null;
  selection: number | null;
  validation: number | null;
  evaluated: number;
  progress: { elapsed_ms: number; best: number; baseline: number; per_second: number }[];
  reported: { task: string; baseline: number | null; score: number | null; failed: string | null }[];
  stages: { stage: string; report: { wins?: number; draws?: number } | null }[];
}

export const improve: Benchmark = async ({ quick, say }) => {
  const seeds = quick ? [1] : [1, 2, 3, 4, 5];
  const budget = quick ? '25s' : '150s';
  const results: Improvement[] = [];
  for (const seed of seeds) {
    await using node = await startSeed({ env: { SANDBOX_EVALUATOR_HOSTS: '2' } });
    const result = await runOne(node, seed, budget);
    say(
      `seed ${seed}: ${result.state}, test ${result.test?.toFixed(3)} (best fit ${result.baseline?.toFixed(3)}), ${result.evaluated} candidates; ${result.reason}`,
    );
    results.push(result);
  }
  const tests = results.map((result) => result.test ?? result.baseline ?? Number.NaN);
  const wins = results.map((result) => result.stages.find((stage) => stage.stage === 'test')?.report?.wins ?? 0);
  const rates = results.map((result) => result.progress.at(-1)?.per_second ?? 0);
  return {
    rows: results.map((result, index) => ({
      name: `seed ${seeds[index]}`,
      values: {
        'best fit %': round(result.baseline ?? Number.NaN),
        'selection %': round(result.selection ?? Number.NaN),
        'validation %': round(result.validation ?? Number.NaN),
        'test %': round(result.test ?? Number.NaN),
        'won of 20': wins[index] ?? 0,
        candidates: result.evaluated,
        'per s': round(rates[index] ?? 0, 0),
        'first better after s': round(firstBetterMs(result) / 1000, 1),
        'besides, decides nothing': result.reported.map(besides).join('; '),
      },
    })),
    figures: { median_excess: round(median(tests)), paired_wins: Math.min(...wins), per_s: round(median(rates), 1) },
  };
};

function besides({ task, baseline, score, failed }: Improvement['reported'][number]): string {
  return baseline === null || score === null ? `${task} failed: ${failed}` : `${task} ${round(baseline)} → ${round(score)} %`;
}

/** Time until the search had something better than best fit. */
function firstBetterMs(result: Improvement): number {
  return result.progress.find((point) => point.best < point.baseline)?.elapsed_ms ?? Number.NaN;
}

async function runOne(node: SeedProcess, seed: number, budget: string): Promise<Improvement> {
  const queued = await node.api<{ data: { id: string } }>('POST', '/api/agents/packer/improvements', { proposer: 'genetic', budget, seed });
  if (queued.status !== 202) throw new Error(JSON.stringify(queued.body));
  for (;;) {
    const { body } = await node.api<{ data: Improvement }>('GET', `/api/improvements/${queued.body.data.id}`);
    // Observation needs traffic and decides nothing here: the version is live.
    if (!['queued', 'generating', 'validating', 'staged', 'waiting', 'promoting'].includes(body.data.state)) return body.data;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
