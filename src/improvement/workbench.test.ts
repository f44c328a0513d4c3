// What the workbench makes of an evaluation's outcome.
import { expect, test } from 'vitest';
import { contractSchema, type ContractData } from '#kernel/compiler/contract.ts';
import type { EvaluateOutcome, EvaluateRequest } from '#kernel/sandbox/call.ts';
import { workbench, type ScoreOptions } from './workbench.ts';

const CONTRACT: ContractData = contractSchema.parse({
  contract: 1,
  name: 'doubler',
  summary: '',
  limits: {},
  exports: [
    {
      kind: 'call',
      name: 'handle',
      input: { type: 'object' },
      output: { type: 'object', properties: { doubled: { type: 'integer' } }, required: ['doubled'], additionalProperties: false },
    },
  ],
});
const BASE = { hash: 'base', contract: CONTRACT, sources: { 'evals/evaluation.ts': 'scores' } };

/** Scores one candidate whose answers were these. */
async function score(
  outputs: readonly unknown[],
  options: { files?: Record<string, string>; streamed?: boolean; set?: ScoreOptions['set'] } = {},
) {
  const requests: EvaluateRequest[] = [];
  const { files = { 'agent.ts': 'better' }, streamed = false, set = 'validation' } = options;
  const answers = outputs.map((output) => ({ inputJson: '{}', outputJson: JSON.stringify(output), streamed }));
  const outcome: EvaluateOutcome = {
    ok: true,
    scores: [1, 2],
    details: [],
    answers,
    stopped: false,
    calls: 2,
    cpuMs: 1,
    wallMs: 1,
    reported: [],
  };
  const bundle = { js: 'built', map: '', warnings: [] } as never;
  const bench = workbench({
    compile: () => Promise.resolve(bundle),
    compileEvaluation: () => Promise.resolve(bundle),
    contractTests: () => Promise.resolve(),
    evaluate: (request) => {
      requests.push(request);
      return Promise.resolve(outcome);
    },
    onEvaluated: () => undefined,
  });
  const { signal } = new AbortController();
  const [scored] = await bench.score(BASE, [{ files }], { set, feed: 'outside', seeds: [1, 2], signal });
  return { scored, request: requests[0] };
}

test('answers that keep to the contract count', async () => {
  expect((await score([{ doubled: 2 }, { doubled: 4 }])).scored).toMatchObject({ ok: true, mean: 1.5 });
  expect((await score([[{ doubled: 2 }, { doubled: 4 }]], { streamed: true })).scored).toMatchObject({ ok: true });
});

test.each([
  ['a member too many', { doubled: 2, score: 1 }, false],
  ['a text for a number', { doubled: '2' }, false],
  ['nothing', null, false],
  ['a chunk that does not fit', [{ doubled: 2 }, {}], true],
])('one answer with %s does away with all scores', async (_name, output, streamed) => {
  const { scored } = await score([streamed ? [] : { doubled: 1 }, output], { streamed });
  expect(scored).toMatchObject({ ok: false, reason: expect.stringMatching(/^it does not keep to its contract: the output/) });
});

test('what is live is scored as it is, and is not asked twice', async () => {
  const live = await score([{ doubled: '2' }], { files: {} });
  expect(live.scored).toMatchObject({ ok: true });
  expect(live.request).toMatchObject({ agent: 'doubler', repeat: false });
});

test('a candidate is asked twice where it is decided about', async () => {
  expect((await score([])).request).toMatchObject({ repeat: true });
  expect((await score([], { set: 'selection' })).request).toMatchObject({ repeat: false });
  expect((await score([], { set: 'test' })).request).toMatchObject({ repeat: false });
});
