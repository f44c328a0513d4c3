// A sample is drawn once for many candidates: each is given its own copy of what the evaluation drew, and none can reach another's.
import { expect, test } from 'vitest';
import { callLimitsSchema } from '../compiler/contract.ts';
import type { EvaluateOutcome } from './call.ts';
import type { SandboxHost } from './sandbox-host.ts';
import { startTestHost } from './test-host.ts';

/** `sample` and `score` are expressions, of (set, random) and of (sample, candidate); the candidate has a function f. */
function evaluationOf({ sample, score, before = '' }: { sample: string; score: string; before?: string }): string {
  return `var __seed_module = (() => { ${before}
    const evaluation = {
      sample: (set, random) => ${sample},
      inside: (sample, candidate) => ${score},
      *session(sample) { yield {}; const candidate = { f: () => 0 }; return { score: ${score} }; },
    };
    return { default: evaluation };
  })();`;
}

const candidateOf = (f: string, before = ''): string =>
  `var __seed_module = (() => { ${before} const f = ${f}; return { default: { handle: () => ({}) }, f }; })();`;
const NOTHING = candidateOf('() => 0');

function evaluate(
  host: SandboxHost,
  evaluationJs: string,
  given: { candidateJs?: string; seeds?: number[]; feed?: 'inside' | 'outside' } = {},
): Promise<EvaluateOutcome> {
  return host.evaluate({
    agent: 'sampled',
    candidateJs: NOTHING,
    evaluationJs,
    limits: callLimitsSchema.parse({}),
    capabilities: [],
    set: 'selection',
    seeds: [1, 2, 3],
    feed: 'inside',
    deadlineMs: 5_000,
    ...given,
  });
}

const SUM = { sample: 'Array.from({ length: 5 }, () => Math.floor(random() * 1000))', score: 'sample.reduce((a, b) => a + b, 0)' };

test('the same numbers for every candidate, for every seed others, and the same as from outside', async () => {
  const host = await startTestHost();
  const evaluationJs = evaluationOf(SUM);
  const first = await evaluate(host, evaluationJs);
  const second = await evaluate(host, evaluationJs, { seeds: [3, 2, 1] });
  const outside = await evaluate(host, evaluationJs, { feed: 'outside' });
  if (!first.ok || !second.ok || !outside.ok) throw new Error('could not be scored');
  expect(new Set(first.scores).size).toBe(3);
  expect(second.scores.toReversed()).toEqual(first.scores);
  expect(outside.scores).toEqual(first.scores);
});

test('a candidate that changes its sample changes nobody else’s', async () => {
  const host = await startTestHost();
  const evaluationJs = evaluationOf({ ...SUM, score: `candidate.f(sample) + ${SUM.score}` });
  const before = await evaluate(host, evaluationJs);
  const spoiling = candidateOf('(sample) => { sample.fill(0); sample.push(1); Array.prototype.reduce = () => 7; return 0; }');
  expect(await evaluate(host, evaluationJs, { candidateJs: spoiling })).toMatchObject({ ok: true, scores: [7, 7, 7] });
  expect(await evaluate(host, evaluationJs)).toMatchObject({ ok: true, scores: before.ok ? before.scores : [] });
});

test('a candidate that changes what is drawn with does not change the draw', async () => {
  const host = await startTestHost();
  const evaluationJs = evaluationOf(SUM);
  const cheater = candidateOf('() => 0', 'Math.floor = () => 0; Array.from = () => [0]; JSON.parse = () => [0]; Date.now = () => 0;');
  const cheated = await evaluate(host, evaluationJs, { candidateJs: cheater });
  expect(cheated).toMatchObject({ ok: true });
  expect(await evaluate(host, evaluationJs)).toMatchObject({ ok: true, scores: cheated.ok ? cheated.scores : [] });
});

test('no draw leaves anything to the next', async () => {
  const host = await startTestHost();
  const evaluationJs = evaluationOf({ before: 'let draws = 0;', sample: '(draws += 1)', score: 'sample' });
  expect(await evaluate(host, evaluationJs)).toMatchObject({ ok: true, scores: [1, 1, 1] });
});

test.each([
  ['NaN', 'NaN', 'Number.isNaN(sample) ? 1 : 0'],
  ['negative zero', '[-0]', 'Object.is(sample[0], -0) ? 1 : 0'],
  ['undefined', '({ there: undefined })', "'there' in sample ? 1 : 0"],
  ['a hole', '[, 1]', '0 in sample ? 0 : 1'],
  ['a list with a name', 'Object.assign([1], { named: 1 })', 'sample.named'],
  ['a Map', 'new Map([[1, 1]])', 'sample.get(1)'],
  ['numbers in a typed array', '[Int8Array.of(1)]', 'sample[0].fill(1)[0]'],
  ['a date', 'new Date(1)', 'sample.getTime()'],
  ['a symbol', '({ [Symbol.for("s")]: 1 })', 'sample[Symbol.for("s")]'],
  ['a function', '({ f: () => 1 })', 'sample.f()'],
])('what is no JSON is given as it was drawn: %s', async (_name, sample, score) => {
  const host = await startTestHost();
  expect(await evaluate(host, evaluationOf({ sample, score }))).toMatchObject({ ok: true, scores: [1, 1, 1] });
});

test('chance goes on where the draw has left it', async () => {
  const host = await startTestHost();
  const evaluationJs = evaluationOf({ sample: 'Math.random()', score: 'sample + 2 * Math.random()' });
  const inside = await evaluate(host, evaluationJs);
  const outside = await evaluate(host, evaluationJs, { feed: 'outside' });
  expect(inside).toMatchObject({ ok: true });
  expect(outside).toMatchObject({ ok: true, scores: inside.ok ? inside.scores : [] });
});

test('a draw that throws is the reason that is given', async () => {
  const host = await startTestHost();
  const evaluationJs = evaluationOf({ sample: '(() => { throw new TypeError("no more samples"); })()', score: '0' });
  expect(await evaluate(host, evaluationJs)).toMatchObject({ ok: false, message: 'TypeError: no more samples' });
});
