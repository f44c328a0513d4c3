import { expect, test, vi } from 'vitest';
import { callLimitsSchema } from '../compiler/contract.ts';
import type { EvaluateRequest } from './call.ts';
import { startTestHost } from './test-host.ts';

/** Asks as often as its set says. */
const EVALUATION = `var __seed_module = { default: {
  bestPossible: 0,
  sample: (set) => (set === 'validation' ? 150_000 : 5),
  *session(count) { for (let n = 0; n < count; n += 1) yield n; return { score: 0 }; },
} };`;
const DEADLINE_MS = 15_000;

const request = (set: 'selection' | 'validation'): EvaluateRequest => ({
  agent: 'echo',
  candidateJs: 'var __seed_module = { default: { handle: (n) => n } };',
  evaluationJs: EVALUATION,
  capabilities: [],
  set,
  seeds: [1],
  feed: 'outside',
  deadlineMs: DEADLINE_MS,
  // None of a call's own: all entries have the evaluation's.
  limits: { ...callLimitsSchema.parse({}), cpuMs: 60_000, deadlineMs: 60_000 },
});

test('a host outlives the deadline of an evaluation with many calls, which was over long before', { timeout: 90_000 }, async () => {
  const host = await startTestHost();
  const endsMs = performance.now() + DEADLINE_MS;
  expect(await host.evaluate(request('validation'))).toMatchObject({ ok: true, calls: 150_000 });
  await vi.waitUntil(() => performance.now() > endsMs + 1_000, { timeout: 30_000 });
  expect(await host.evaluate(request('selection'))).toMatchObject({ ok: true, calls: 5 });
});
