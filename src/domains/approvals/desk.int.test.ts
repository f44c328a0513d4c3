import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '#db/database.ts';
import { readStream } from '#db/streams.ts';
import { testDatabase } from '#db/testing.ts';
import { uuidv7 } from '#lib/id.ts';
import { ApprovalDesk } from './desk.ts';
import type { Question } from './item.ts';
import { getRule, insertRule, type NewRule } from './rule-store.ts';
import { streamOf } from './store.ts';

let database: Database;
let desk: ApprovalDesk;
beforeAll(async () => {
  database = await testDatabase();
  desk = new ApprovalDesk({ database, nodePrincipal: { kind: 'node', id: 'n1' }, nowMs: Date.now });
});
afterAll(() => database.close());

/** Each test has an owner of its own, so that rules of one are not in another's way. */
const owner = () => ({ kind: 'user', id: uuidv7() });

function question(who: { kind: string; id: string }, over: Partial<Question> = {}): Question {
  return {
    approvalType: 'tool_use',
    sourceType: 'manual',
    sourceId: null,
    sessionId: null,
    workflowId: null,
    title: 'May it?',
    description: '',
    payload: { tool_name: 'write' },
    context: {},
    priority: 'normal',
    riskLevel: 'low',
    riskFactors: [],
    owner: who,
    timeoutMs: null,
    timeoutAction: 'deny',
    ...over,
  };
}

function rule(who: { kind: string; id: string }, over: Partial<NewRule> = {}): NewRule {
  return {
    name: uuidv7(),
    description: '',
    status: 'active',
    approvalType: '*',
    toolNames: [],
    conditions: {},
    action: 'approve',
    actionNote: 'as the rule says',
    maxAutoApprovalsPerHour: null,
    maxAutoApprovalsPerSession: null,
    priority: 0,
    appliesToSessions: [],
    appliesToWorkflows: [],
    owner: who,
    ...over,
  };
}

const open = (who: { kind: string; id: string }, over: Partial<Question> = {}) => desk.open(question(who, over), { principal: who });

test('a question waits, is decided once, and its stream says by whom', async () => {
  const who = owner();
  const item = await open(who);
  expect(item).toMatchObject({ state: 'pending', decision: null, payload: { tool_name: 'write' } });
  const decision = { by: { kind: 'user', id: 'boss' }, note: 'go', ruleId: null };
  expect(await desk.decide(item.id, { kind: 'approve', decision, modifiedPayload: { tool_name: 'read' } })).toMatchObject({
    state: 'approved',
    decision: 'approved',
    decidedBy: { kind: 'user', id: 'boss' },
    modifiedPayload: { tool_name: 'read' },
    note: 'go',
  });
  await expect(desk.decide(item.id, { kind: 'deny', decision })).rejects.toMatchObject({ code: 'invalid_state' });
  const { events } = await readStream(database, streamOf(item.id));
  expect(events.map(({ type, meta }) => [type, meta.actor.id])).toEqual([
    ['approval_opened', who.id],
    ['approval_approved', 'boss'],
  ]);
});

test('of many who answer at once, one decides', async () => {
  const item = await open(owner());
  const answers = await Promise.allSettled(
    Array.from({ length: 12 }, (_, index) => {
      const decision = { by: { kind: 'user', id: `u${index}` }, note: '', ruleId: null };
      return desk.decide(item.id, index % 2 === 0 ? { kind: 'deny', decision } : { kind: 'approve', decision, modifiedPayload: null });
    }),
  );
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const codes = answers.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []));
  expect(new Set(codes)).toEqual(new Set(['invalid_state']));
});

test('the same question is opened once, however often it is asked', async () => {
  const who = owner();
  const id = uuidv7();
  const ask = () => desk.open(question(who), { principal: who, id });
  await ask();
  await desk.decide(id, { kind: 'deny', decision: { by: who, note: '', ruleId: null } });
  expect((await ask()).state).toBe('denied');
});

test('a rule answers at once, and its name is in the answer', async () => {
  const who = owner();
  const ruleId = await insertRule(database, rule(who));
  expect(await open(who)).toMatchObject({
    state: 'auto_approved',
    ruleId,
    note: 'as the rule says',
    decidedBy: { kind: 'node', id: 'n1' },
  });
  expect(await getRule(database, ruleId)).toMatchObject({ timesTriggered: 1 });
});

test('deny wins over approve, and review over approve', async () => {
  const who = owner();
  await insertRule(database, rule(who));
  await insertRule(database, rule(who, { action: 'require_review', toolNames: ['write'] }));
  expect((await open(who)).state).toBe('pending');
  await insertRule(database, rule(who, { action: 'deny', toolNames: ['write'] }));
  expect((await open(who)).state).toBe('denied');
  expect((await open(who, { payload: { tool_name: 'read' } })).state).toBe('auto_approved');
});

describe('limits', () => {
  test('hold when many come at once: no more in an hour than it says, and the next rule has its turn', async () => {
    const who = owner();
    const limited = await insertRule(database, rule(who, { maxAutoApprovalsPerHour: 5, priority: 2 }));
    const items = await Promise.all(Array.from({ length: 12 }, () => open(who)));
    expect(items.filter(({ state }) => state === 'auto_approved')).toHaveLength(5);
    await insertRule(database, rule(who, { action: 'deny', priority: 1 }));
    expect((await open(who)).state).toBe('denied');
    // The hour begins with its first approval, and another begins after it.
    await sql`UPDATE approval_rules SET hour_started_at = now() - interval '61 minutes' WHERE id = ${limited}`.execute(database.db);
    expect((await open(who)).state).toBe('auto_approved');
    expect((await getRule(database, limited))?.timesTriggered).toBe(6);
  });

  test('are counted for each session', async () => {
    const who = owner();
    await insertRule(database, rule(who, { maxAutoApprovalsPerSession: 2 }));
    const states = async (sessionId: string) => {
      const items = await Promise.all([1, 2, 3].map(() => open(who, { sessionId })));
      return items.filter(({ state }) => state === 'auto_approved').length;
    };
    expect([await states('s1'), await states('s2')]).toEqual([2, 2]);
  });

  test('of zero approve nothing', async () => {
    const who = owner();
    await insertRule(database, rule(who, { maxAutoApprovalsPerHour: 0 }));
    await insertRule(database, rule(who, { maxAutoApprovalsPerSession: 0 }));
    expect((await open(who)).state).toBe('pending');
  });
});

describe('time', () => {
  test('runs the timeout action of what is due, and of nothing else', async () => {
    const who = owner();
    const [denied, approved, escalated, patient] = await Promise.all([
      open(who, { timeoutMs: 1, timeoutAction: 'deny' }),
      open(who, { timeoutMs: 1, timeoutAction: 'approve' }),
      open(who, { timeoutMs: 1, timeoutAction: 'escalate', priority: 'critical' }),
      open(who, { timeoutMs: 3_600_000 }),
    ]);
    const ids = [denied, approved, escalated, patient].map(({ id }) => id);
    const states = async () => Promise.all(ids.map(async (id) => (({ state, decision }) => `${state} ${decision}`)(await desk.get(id))));
    // The database's clock decides.
    await sql`SELECT pg_sleep(0.01)`.execute(database.db);
    while ((await desk.expireDue()) > 0 || (await states())[2] !== 'expired denied');
    expect(await states()).toEqual(['expired denied', 'expired approved', 'expired denied', 'pending null']);
    const { events } = await readStream(database, streamOf(escalated.id));
    expect(events.map(({ type }) => type)).toEqual(['approval_opened', 'approval_escalated', 'approval_expired']);
  });
});

describe('whoever waits', () => {
  test('is told when it is decided', async () => {
    const who = owner();
    const item = await open(who);
    const decided = desk.decided(item.id, new AbortController().signal);
    await desk.decide(item.id, { kind: 'deny', decision: { by: who, note: 'no', ruleId: null } });
    expect(await decided).toMatchObject({ decision: 'denied', note: 'no' });
  });

  test('may give up', async () => {
    const item = await open(owner());
    const stop = new AbortController();
    const decided = desk.decided(item.id, stop.signal);
    stop.abort(new Error('given up'));
    await expect(decided).rejects.toThrow('given up');
  });
});
