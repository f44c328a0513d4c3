import { expect, test } from 'vitest';
import type { CallRecord } from '#kernel/runtime/call-log.ts';
import type { ReplayAnswer, ReplayReport } from '#kernel/runtime/call-replay.ts';
import { approvalIdOf } from './improvement-approval.ts';
import { classify } from './recorded-replay.ts';

const answered: ReplayAnswer = { outputJson: '{"n":1}', error: null };
const failed: ReplayAnswer = { outputJson: null, error: { code: 'agent_error', message: 'boom' } };

function report(given: Partial<ReplayReport>): ReplayReport {
  return { verdict: 'different', reason: null, differences: [], divergence: null, replayed: answered, ...given };
}
const recorded = ({ error }: ReplayAnswer) => ({ error }) as CallRecord;

test.each<[string, CallRecord, ReplayReport, { verdict: string; why: RegExp }]>([
  ['the same answer', recorded(answered), report({ verdict: 'same' }), { verdict: 'same', why: /^$/ }],
  ['a failure that is answered now', recorded(failed), report({}), { verdict: 'better', why: /^failed with agent_error/ }],
  ['an answer that is a failure now', recorded(answered), report({ replayed: failed }), { verdict: 'worse', why: /agent_error: boom$/ }],
  [
    'another answer',
    recorded(answered),
    report({ differences: [{ path: 'n', before: 1, after: 2 }] }),
    { verdict: 'unknown', why: /^another answer, at .*"n"/ },
  ],
  ['another failure', recorded(failed), report({ replayed: failed }), { verdict: 'unknown', why: /another error/ }],
  ['other requests', recorded(answered), report({ verdict: 'diverged', replayed: failed }), { verdict: 'unknown', why: /something else/ }],
  [
    'a record that was cut',
    recorded(answered),
    report({ verdict: 'unknown', reason: 'the record was too large to be kept whole', replayed: null }),
    { verdict: 'unknown', why: /too large/ },
  ],
])('%s', (_, record, replayed, { verdict, why }) => {
  const seen = classify(record, replayed);
  expect(seen.verdict).toBe(verdict);
  expect(seen.why).toMatch(why);
});

test('an improvement asks once: the id of its item follows from its own', () => {
  const id = approvalIdOf('01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01');
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(approvalIdOf('01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f01')).toBe(id);
  expect(approvalIdOf('01936f8e-7a4c-7d3e-9f2a-3b1c5d7e9f02')).not.toBe(id);
});
