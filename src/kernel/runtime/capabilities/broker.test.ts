import { describe, expect, onTestFinished, test } from 'vitest';
import type { SeedError } from '#lib/error.ts';
import { attach, type TelemetryEvent } from '#telemetry/emit.ts';
import type { BrokeredCall } from './broker.ts';
import { testBroker } from './broker.fixture.ts';
import type { Budget, CallingCall, Capability, CapabilityRequest } from './capability.ts';
import { Policy, policySchema } from './policy.ts';

/** Answers with what it was asked, or with whatever `answer` does. */
function echo(names: readonly string[], answer?: (request: CapabilityRequest) => Promise<string>): Capability {
  return { names, serve: answer ?? (async ({ name, args, seq }) => JSON.stringify({ name, args, seq })) };
}

function open(grants: readonly string[], capabilities: readonly Capability[], own: readonly Capability[] = []): BrokeredCall {
  return testBroker({ capabilities }).broker.open(callOf(grants), own);
}

function callOf(grants: readonly string[]): CallingCall {
  const version = { agent: 'tested', number: 3, contract: { capabilities: grants } } as unknown as CallingCall['version'];
  return { id: 'c1', version, exportName: 'handle', key: null, principal: { kind: 'user', id: 'u1' }, chain: [], deadlineAtMs: null };
}

function told(): TelemetryEvent['metadata'][] {
  const events: TelemetryEvent['metadata'][] = [];
  onTestFinished(attach('broker-test', (event) => events.push(event.metadata)));
  return events;
}

test('what the contract grants is served, by the word before the dot', async () => {
  const events = told();
  const call = open(['fetch', 'state'], [echo(['fetch'])], [echo(['state.get', 'state.set'])]);
  expect(JSON.parse(await call.serve('fetch', ['x'], 1))).toEqual({ name: 'fetch', args: ['x'], seq: 1 });
  expect(JSON.parse(await call.serve('state.set', 5, 2))).toEqual({ name: 'state.set', args: 5, seq: 2 });
  expect(events).toEqual([
    { agent: 'tested', capability: 'fetch', outcome: 'ok' },
    { agent: 'tested', capability: 'state.set', outcome: 'ok' },
  ]);
});

describe('refused', () => {
  test.each<readonly [name: string, capability: string]>([
    ['call', 'call'],
    ['fetch', 'fetch'],
    ...['fetch.more', 'state.get', 'constructor', '', 'x'.repeat(5_000)].map((name) => [name, 'unknown'] as const),
  ])('%s', async (name, capability) => {
    const events = told();
    const call = open(['state'], [echo(['fetch', 'call'])]);
    const refusal = await call.serve(name, null, 1).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'forbidden' });
    expect((refusal as Error).message.length).toBeLessThan(200);
    expect(events).toEqual([{ agent: 'tested', capability, outcome: 'refused' }]);
  });
});

test('a rejection is passed on, and told', async () => {
  const events = told();
  const call = open(['fetch'], [echo(['fetch'], () => Promise.reject(new RangeError('no')))]);
  await expect(call.serve('fetch', null, 1)).rejects.toThrow(new RangeError('no'));
  expect(events).toEqual([{ agent: 'tested', capability: 'fetch', outcome: 'error' }]);
});

describe('within a budget', () => {
  const paid = (answer: string, budget: Budget): Capability => ({ names: ['fetch'], budget: () => budget, serve: async () => answer });

  test('uses and bytes of a call are counted, and written down with what became of them', async () => {
    const { broker, uses } = testBroker({ capabilities: [paid('"12345678"', { uses: 3, bytes: 25 })], nowMs: () => 99 });
    const call = broker.open(callOf(['fetch']), []);
    const codes = [];
    for (let seq = 1; seq <= 4; seq += 1) codes.push(await call.serve('fetch', 'a', seq).catch((error: SeedError) => error.code));
    // Three bytes there and ten back, each time.
    expect(codes).toEqual(['"12345678"', 'rate_limited', 'rate_limited', 'rate_limited']);
    expect(uses).toMatchObject([
      {
        atMs: 99,
        agent: 'tested',
        version: 3,
        callId: 'c1',
        seq: 1,
        capability: 'fetch',
        outcome: 'ok',
        code: null,
        bytesOut: 3,
        bytesIn: 10,
      },
      { seq: 2, outcome: 'error', code: 'rate_limited', bytesOut: 3 },
      { seq: 3, outcome: 'refused', code: 'rate_limited' },
      { seq: 4, outcome: 'refused' },
    ]);
    const few = testBroker({ capabilities: [paid('1', { uses: 1, bytes: 1_000 })] });
    const second = few.broker.open(callOf(['fetch']), []);
    await second.serve('fetch', 'a', 1);
    await expect(second.serve('fetch', 'a', 2)).rejects.toThrow('used up the 1 uses of fetch');
    // Each run of a call has its own.
    await few.broker.open(callOf(['fetch']), []).serve('fetch', 'a', 1);
  });

  test('uses of an agent are held to its rate, over all calls, and come back as time goes by', async () => {
    let nowMs = 0;
    const policy = new Policy(policySchema.parse({ policy: 1, agents: { tested: { fetch: { per_minute: 2 } } } }), {
      secret: () => undefined,
      where: () => '',
    });
    const { broker } = testBroker({ capabilities: [paid('1', { uses: 10, bytes: 1_000 })], policy, monotonicMs: () => nowMs });
    const ask = (): Promise<unknown> =>
      broker
        .open(callOf(['fetch']), [])
        .serve('fetch', 'a', 1)
        .catch((error: SeedError) => error);
    expect(await Promise.all([ask(), ask(), ask()])).toMatchObject(['1', '1', { code: 'rate_limited', retryAfterMs: 30_000 }]);
    nowMs = 30_000;
    expect(await Promise.all([ask(), ask()])).toMatchObject(['1', { code: 'rate_limited' }]);
  });
});

test('when the call is over, what is under way and what comes later is aborted', async () => {
  const signals: AbortSignal[] = [];
  const call = open(['fetch'], [echo(['fetch'], async ({ signal }) => (signals.push(signal), 'null'))]);
  await call.serve('fetch', null, 1);
  expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
  call.close();
  await call.serve('fetch', null, 2);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
});
