// codeChange inside its isolate: a state and a change in, a state out, no ctx, nothing that differs from one time to the next.
import { describe, expect, test } from 'vitest';
import { CODE_CHANGE_CALL } from './call.ts';
import { callRequest, loadRequest, moduleOf, outputOf, startTestHost } from './test-host.ts';

function changing(body: string): string {
  return moduleOf('handle: () => 1', '').replace('return { default: agent };', `return { default: agent, codeChange: ${body} };`);
}

async function change(body: string, input: unknown = [{ n: 1 }, { from: 1 }], limits: { stateBytes?: number; cpuMs?: number } = {}) {
  const host = await startTestHost();
  await host.load(loadRequest(changing(body), { limits }));
  const run = () => host.call(callRequest(input, { exportName: CODE_CHANGE_CALL, timeMs: 0, seed: 0, key: 'k' }));
  return { host, run, outcome: await run() };
}

describe('codeChange', () => {
  test('is given the state and the change, and gives a state', async () => {
    const { outcome } = await change('(state, change) => ({ total: state.n, change })');
    expect(outputOf(outcome)).toEqual({ total: 1, change: { from: 1 } });
  });

  test('may be asynchronous, and is listed with what the module exports', async () => {
    const { host, outcome } = await change('async (state) => ({ ...state, later: true })');
    expect(outputOf(outcome)).toEqual({ n: 1, later: true });
    expect(await host.load(loadRequest(changing('() => 1'), { hash: 'other' }))).toMatchObject({ functions: ['codeChange'] });
  });

  test('has nothing but its two arguments, and a clock and a generator that stand still', async () => {
    const body =
      'function () { return [arguments.length, this === undefined, Date.now(), Math.random(), new Date(0).getTimezoneOffset()]; }';
    const { run, outcome } = await change(`(0, ${body})`);
    const first = outputOf(outcome);
    expect(first).toEqual([2, false, 0, expect.any(Number), 0]);
    expect(outputOf(await run())).toEqual(first);
  });

  test.each([
    ['gives nothing', '() => undefined', 'unserialisable'],
    ['gives a function', '() => () => 1', 'unserialisable'],
    ['streams', 'async function* () { yield 1; }', 'unserialisable'],
    ['throws', '() => { throw new RangeError("no") }', 'threw'],
    ['loops', '() => { for (;;) {} }', 'cpu_limit'],
    ['gives more than a state may have', '() => "x".repeat(2000)', 'output_limit'],
  ])('fails when it %s', async (_, body, failure) => {
    const { outcome } = await change(body, [{ n: 1 }, { from: 1 }], { stateBytes: 1_000, cpuMs: 50 });
    expect(outcome).toMatchObject({ ok: false, failure });
  });

  test('is held to the size of a state, not to that of an output', async () => {
    const host = await startTestHost();
    await host.load(loadRequest(changing('() => "x".repeat(2000)'), { limits: { outputBytes: 100 } }));
    expect(outputOf(await host.call(callRequest([1, { from: 1 }], { exportName: CODE_CHANGE_CALL })))).toHaveLength(2_000);
  });

  test('that is not there is said so, and no handler of that name is run', async () => {
    const host = await startTestHost();
    await host.load(loadRequest(moduleOf('handle: () => 1, ":codeChange": () => "wrong"')));
    const outcome = await host.call(callRequest([1, { from: 1 }], { exportName: CODE_CHANGE_CALL }));
    expect(outcome).toMatchObject({ ok: false, failure: 'threw', error: { message: 'agent.ts exports no function codeChange' } });
  });
});
