// Candidates a second on Weibull training samples with early stopping, as a search asks for them, through the evaluator hosts; and
// what the walls around them take of that: the same candidates on the same samples in plain node, in the same run, interleaved.
import type { CandidateScore, Evaluate } from '#improvement/proposer.ts';
import { Thread } from '#lib/thread.ts';
import type { Benchmark, Row } from './benchmark.ts';
import { WEIBULL } from './binpacking/family.ts';
import { familyFolder } from './binpacking/folder.ts';
import type { plainScoring } from './binpacking/plain-thread.ts';
import { Scorer } from './binpacking/scorer.ts';
import { search } from './binpacking/search.ts';
import { median, round, spread } from './report.ts';

const THREADS = 2;

/** What a search asked for, and was told. */
interface Asked {
  bodies: string[];
  seeds: readonly number[];
  stopAt: number | undefined;
  paceAt: readonly number[] | undefined;
  scores: (readonly number[])[];
}

export const evaluateWeibull: Benchmark = async ({ quick, say }) => {
  const rounds = quick ? 3 : 7;
  await using scorer = await Scorer.start(await familyFolder(WEIBULL));
  const all: Asked[] = [];
  // Its end is a number of children, and its clock stands still: the same candidates on every machine.
  const settings = { maxBred: quick ? 900 : 2_400, now: () => 0 };
  await search(scorer, { seed: 1, budgetMs: 1, settings, feed: 'inside', around: (evaluate) => recording(evaluate, all) });
  // From the middle: what a search asks for once it stops most of its candidates early.
  const asked = all.slice(Math.floor(all.length / 3)).slice(0, quick ? 30 : 100);
  const candidates = asked.reduce((sum, { bodies }) => sum + bodies.length, 0);
  const samples = asked.reduce((sum, { scores }) => sum + scores.flat().length, 0);
  const threads = Array.from(
    { length: THREADS },
    (_, index) =>
      new Thread<typeof plainScoring>({ url: new URL('./binpacking/plain-thread.ts', import.meta.url), name: `plain ${index}` }),
  );
  const sides = {
    hosts: async ({ bodies, scores: _known, ...how }: Asked): Promise<(readonly number[])[]> => {
      const scored = await scorer.score(
        bodies.map((body) => ({ files: {}, bodies: { priority: body } })),
        { ...how, set: 'selection', feed: 'inside' },
      );
      return scored.map((one) => (one.ok ? one.scores : []));
    },
    plain: ({ bodies, seeds, stopAt, paceAt }: Asked, worker: number): Promise<(readonly number[])[]> =>
      threads[worker % THREADS]!.call('score', { family: WEIBULL.name, tasks: WEIBULL.training, bodies, seeds, stopAt, paceAt }),
  };
  const secondsOf = { hosts: [] as number[], plain: [] as number[] };
  const cpuOf = { hosts: [] as number[], plain: [] as number[] };
  // The first round is for both to get warm, and to see that they do the same.
  for (let current = 0; current <= rounds; current += 1) {
    for (const side of ['hosts', 'plain'] as const) {
      const startedMs = performance.now();
      const startedCpuMs = await scorer.cpuMs();
      const told = await inTurns(asked, sides[side]);
      if (current > 0) {
        secondsOf[side].push((performance.now() - startedMs) / 1000);
        cpuOf[side].push(((await scorer.cpuMs()) - startedCpuMs) / candidates);
      } else if (JSON.stringify(told) !== JSON.stringify(asked.map(({ scores }) => scores)))
        throw new Error(`${side} do not score the same`);
    }
    if (current > 0)
      say(
        `round ${current} of ${rounds}: ${round(candidates / secondsOf.hosts.at(-1)!, 0)}/s, plain node ${round(candidates / secondsOf.plain.at(-1)!, 0)}/s`,
      );
  }
  await Promise.all(threads.map((thread) => thread.close()));
  // In processor time: what else runs on the machine does not count.
  const shares = cpuOf.hosts.map((one, index) => 1 - cpuOf.plain[index]! / one);
  const rates = { hosts: secondsOf.hosts.map((one) => candidates / one), plain: secondsOf.plain.map((one) => candidates / one) };
  const row = (name: string, values: readonly number[], digits: number): Row => ({
    name,
    values: { median: round(median(values), digits), spread: spread(values, digits) },
  });
  return {
    rows: [
      row('candidates/s in a search: body spliced in, fresh isolate, samples drawn once a host', rates.hosts, 1),
      row('… processor time a candidate, ms', cpuOf.hosts, 2),
      row('candidates/s in plain node: new Function, samples kept', rates.plain, 1),
      row('… processor time a candidate, ms', cpuOf.plain, 2),
      row('share of the processor time that sandboxing takes', shares, 2),
      { name: 'samples a candidate, of five', values: { median: round(samples / candidates, 2) } },
    ],
    figures: { per_s: round(median(rates.hosts), 1), sandbox_share: round(median(shares), 3) },
  };
};

function recording(evaluate: Evaluate, all: Asked[]): Evaluate {
  return async (candidates, how) => {
    const outcomes = await evaluate(candidates, how);
    const known = candidates.flatMap(({ bodies }, index) => {
      const outcome = outcomes[index] as CandidateScore;
      return bodies?.['priority'] === undefined || !outcome.ok ? [] : [{ body: bodies['priority'], scores: outcome.scores }];
    });
    if (known.length > 0) {
      const { seeds, stopAt, paceAt } = how;
      all.push({ bodies: known.map(({ body }) => body), seeds, stopAt, paceAt, scores: known.map(({ scores }) => scores) });
    }
    return outcomes;
  };
}

/** Several at a time, as the search has them under way. */
async function inTurns<Answer>(asked: readonly Asked[], work: (one: Asked, worker: number) => Promise<Answer>): Promise<Answer[]> {
  const answers: Answer[] = [];
  let taken = 0;
  await Promise.all(
    Array.from({ length: THREADS * 2 }, async (_, worker) => {
      while (taken < asked.length) {
        const index = taken++;
        answers[index] = await work(asked[index]!, worker);
      }
    }),
  );
  return answers;
}
