import { describe, expect, onTestFinished, test } from 'vitest';
import { attach, type TelemetryEvent } from '#telemetry/emit.ts';
import { Broker, type BrokeredCall } from './broker.ts';
import type { CallingCall, Capability, CapabilityRequest } from './capability.ts';

/** Answers with what it was asked, or with whatever `answer` does. */
function echo(names: readonly string[], answer?: (request: CapabilityRequest) => Promise<string>): Capability {
  return { names, serve: answer ?? (async ({ name, args, seq }) => JSON.stringify({ name, args, seq })) };
}

function open(grants: readonly string[], capabilities: readonly Capability[], own: readonly Capability[] = []): BrokeredCall {
  const version = { agent: 'tested', contract: { capabilities: grants } } as unknown as CallingCall['version'];
  const call = { id: 'c1', version, exportName: 'handle', key: null, principal: { kind: 'user', id: 'u1' } };
  return new Broker(capabilities).open(call, own);
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
  test.each(['call', 'fetch', 'fetch.more', 'state.get', 'constructor', '', 'x'.repeat(5_000)])('%s', async (name) => {
    const events = told();
    const call = open(['state'], [echo(['fetch', 'call'])]);
    const refusal = await call.serve(name, null, 1).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'forbidden' });
    expect((refusal as Error).message.length).toBeLessThan(200);
    expect(events).toEqual([{ agent: 'tested', capability: 'unknown', outcome: 'refused' }]);
  });
});

test('a rejection is passed on, and told', async () => {
  const events = told();
  const call = open(['fetch'], [echo(['fetch'], () => Promise.reject(new RangeError('no')))]);
  await expect(call.serve('fetch', null, 1)).rejects.toThrow(new RangeError('no'));
  expect(events).toEqual([{ agent: 'tested', capability: 'fetch', outcome: 'error' }]);
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
