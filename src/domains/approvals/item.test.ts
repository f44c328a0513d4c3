import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answer, evolve, expire, NO_ITEM, type ApprovalEvent, type Item, type Question, type TimeoutAction } from './item.ts';

const BY = { kind: 'user', id: 'u' };
const decision = { by: BY, note: '', ruleId: null };

function opened(timeoutAction: TimeoutAction = 'deny', timeoutMs: number | null = 1_000): Item {
  const question: Question = {
    approvalType: 'custom',
    sourceType: 'manual',
    sourceId: null,
    sessionId: null,
    workflowId: null,
    title: 't',
    description: '',
    payload: {},
    context: {},
    priority: 'normal',
    riskLevel: 'low',
    riskFactors: [],
    owner: BY,
    timeoutMs,
    timeoutAction,
  };
  return evolve(NO_ITEM, {
    type: 'approval_opened',
    data: { ...question, expiresAt: timeoutMs === null ? null : new Date(timeoutMs).toISOString() },
  });
}

test('an answer decides, once', () => {
  const approved = evolve(opened(), answer(opened(), { kind: 'approve', decision, modifiedPayload: { n: 1 } }));
  expect(approved).toMatchObject({ state: 'approved', decision: 'approved', modifiedPayload: { n: 1 } });
  expect(() => answer(approved, { kind: 'deny', decision })).toThrow('approved already');
  expect(() => answer(NO_ITEM, { kind: 'deny', decision })).toThrow('no such');
});

test('a rule that approves says that it was a rule', () => {
  const event = answer(opened(), { kind: 'approve', decision: { ...decision, ruleId: 'r' }, modifiedPayload: null });
  expect(evolve(opened(), event).state).toBe('auto_approved');
});

describe('time', () => {
  test('does nothing before its end, nor to what waits for ever, nor after an answer', () => {
    expect(expire(opened(), 999)).toBeNull();
    expect(expire(opened('deny', null), 1e15)).toBeNull();
    expect(expire(evolve(opened(), answer(opened(), { kind: 'deny', decision })), 5_000)).toBeNull();
  });

  test.each([
    ['deny', 'denied'],
    ['approve', 'approved'],
  ] as const)('%s', (action, outcome) => {
    const event = expire(opened(action), 1_000);
    expect(evolve(opened(action), event as ApprovalEvent)).toMatchObject({ state: 'expired', decision: outcome });
  });

  test('escalate asks once more, more loudly, with the same time again, and then denies', () => {
    const louder = evolve(opened('escalate'), expire(opened('escalate'), 1_500) as ApprovalEvent);
    expect(louder).toMatchObject({ state: 'pending', priority: 'high', expiresAt: new Date(2_500).toISOString(), escalated: true });
    expect(expire(louder, 2_499)).toBeNull();
    expect(evolve(louder, expire(louder, 2_500) as ApprovalEvent)).toMatchObject({ state: 'expired', decision: 'denied' });
  });
});

test('whatever comes in whatever order: what was decided stays decided', () => {
  const step = fc.oneof(fc.constant('approve'), fc.constant('deny'), fc.nat(10_000));
  fc.assert(
    fc.property(fc.constantFrom('deny', 'approve', 'escalate'), fc.array(step, { maxLength: 8 }), (action, steps) => {
      let item = opened(action);
      for (const one of steps) {
        const before = item;
        const event = typeof one === 'number' ? expire(item, one) : null;
        if (event !== null) item = evolve(item, event);
        else if (one === 'approve' || one === 'deny') {
          if (item.state !== 'pending') expect(() => answer(item, { kind: 'deny', decision })).toThrow('already');
          else
            item = evolve(
              item,
              answer(item, one === 'deny' ? { kind: 'deny', decision } : { kind: 'approve', decision, modifiedPayload: null }),
            );
        }
        if (before.decision !== null) expect(item).toEqual(before);
        expect(item.decision === null).toBe(item.state === 'pending');
      }
    }),
  );
});
