// Time and chance stand still for a call, and a recorded call runs again exactly as it ran.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { CallPath } from './call.ts';
import type { Journal } from './journal.ts';
import { callRequest, loadRequest, moduleOf, outputOf, startTestHost } from './test-host.ts';

const SEEN = `const seen = (ctx) => [
  ctx.now(), Date.now(), new Date().getTime(), Date().slice(0, 15), new Date(5).getTime(), new Date(2020, 0, 1) instanceof Date,
  new Intl.DateTimeFormat('en', { timeZone: 'UTC', timeStyle: 'medium' }).format(),
  new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).formatToParts()[0].value, new Date().getTimezoneOffset(),
];`;

test("all clocks show the call's time, in UTC", async () => {
  const host = await startTestHost();
  await host.load(loadRequest(moduleOf('handle: (input, ctx) => seen(ctx)', SEEN)));
  const timeMs = Date.UTC(2031, 4, 6, 7, 8, 9);
  const expected = [timeMs, timeMs, timeMs, 'Tue May 06 2031', 5, true, '7:08:09 AM', '5', 0];
  for (const path of ['sync', 'async'] as const) expect(outputOf(await host.call(callRequest(0, { path, timeMs })))).toEqual(expected);
});

test('the same seed gives the same numbers, through Math.random and ctx.random alike', async () => {
  const host = await startTestHost();
  await host.load(loadRequest(moduleOf('handle: (input, ctx) => [Math.random(), ctx.random(), Math.random()]')));
  const draw = async (seed: number, path: CallPath): Promise<unknown> => outputOf(await host.call(callRequest(0, { seed, path })));
  const first = await draw(1, 'sync');
  expect(new Set(first as number[]).size).toBe(3);
  expect(await draw(1, 'async')).toEqual(first);
  expect(await draw(2, 'async')).not.toEqual(first);
});

/** As a capability to come will be: asked as often as one likes. The parent's answer is `onRequest`'s. */
const ASKING = { capabilities: ['state', 'now', 'random', 'probe'] as never };

test('interleaved calls keep their own clocks and numbers', async () => {
  let now = 0;
  const host = await startTestHost({ now: () => now });
  const js = moduleOf(`async handle(input, ctx) {
    const times = [Date.now()];
    const numbers = [Math.random()];
    for (let round = 0; round < 3; round += 1) {
      await ctx.probe({ round });
      times.push(Date.now(), ctx.now());
      numbers.push(Math.random(), ctx.random());
    }
    return { times, numbers };
  }`);
  await host.load(loadRequest(js, ASKING));
  type Seen = { times: number[]; numbers: number[] };
  const alone = outputOf(await host.call(callRequest(0, { seed: 3 }))) as Seen;
  const together = await Promise.all(
    [7, 2, 5, 3].map(async (waitMs, index) => {
      const given: number[] = [];
      const onRequest = async (): Promise<string> => {
        await sleep(waitMs);
        now += 10;
        given.push(now, now);
        return 'null';
      };
      const { times, numbers } = outputOf(await host.call(callRequest(0, { timeMs: index - 100, seed: 3, onRequest }))) as Seen;
      return { times, numbers, expected: [index - 100, ...given] };
    }),
  );
  for (const { times, numbers, expected } of together) {
    expect(times).toEqual(expected);
    expect(numbers).toEqual(alone.numbers);
  }
});

describe('replay', () => {
  /** Races, joins and loops over answers that come in any order; what it writes depends on who came first. */
  const RACE = moduleOf(`async handle(input, ctx) {
    const order = [];
    const branch = async (name, rounds) => {
      for (let round = 0; round < rounds; round += 1) {
        const answer = await ctx.probe({ name, round });
        order.push([name, answer, Date.now(), Math.random()]);
        await ctx.state.set(order.length + name);
      }
      return name;
    };
    const winner = await Promise.race([branch('a', 2), branch('b', 1), branch('c', 3)]);
    const joined = await Promise.all([branch('d', 1), branch('e', 2)]);
    return { winner, joined, order, state: await ctx.state.get() };
  }`);

  /** Answers late by a different time each: the order of the answers is not that of the requests. */
  function lateAnswers(): (name: string, args: unknown) => Promise<string> {
    let n = 0;
    return async (name, args) => {
      if (name !== 'probe') return 'null';
      n += 1;
      await sleep([9, 3, 6, 1, 8, 2, 5][n % 7]);
      return JSON.stringify({ n, args });
    };
  }

  test.each(['version', 'call'] as const)('gives the recorded answer again with isolation %s', async (isolation) => {
    const host = await startTestHost();
    await host.load(loadRequest(RACE, { ...ASKING, isolation }));
    for (const path of ['sync', 'async'] as const) {
      const request = callRequest(0, { seed: 11, path, onRequest: lateAnswers() });
      const recorded = await host.call(request);
      expect(outputOf(recorded)).toMatchObject({ joined: ['d', 'e'] });
      // As it comes back from a store.
      const journal = JSON.parse(JSON.stringify(recorded.journal)) as Journal;
      const asked: string[] = [];
      const again = await host.replay({ ...request, journal, onRequest: async (name) => (asked.push(name), 'null') });
      expect(again.divergence).toBeNull();
      expect(again.outcome).toMatchObject({ ok: true, outputJson: recorded.ok ? recorded.outputJson : '' });
      expect(again.outcome.journal).toEqual(recorded.journal);
      // What was read comes from the record, and what was written was written then.
      expect(asked).toEqual([]);
    }
  });

  test('many at once, each from its own record', async () => {
    const host = await startTestHost();
    await host.load(loadRequest(RACE, ASKING));
    const requests = Array.from({ length: 12 }, (_, seed) => callRequest(seed, { seed, onRequest: lateAnswers() }));
    const recorded = await Promise.all(requests.map((request) => host.call(request)));
    const again = await Promise.all(requests.map((request, n) => host.replay({ ...request, journal: recorded[n]!.journal })));
    expect(again.map(({ outcome }) => outputOf(outcome))).toEqual(recorded.map(outputOf));
    expect(again.every(({ divergence }) => divergence === null)).toBe(true);
  });

  test('of an error gives the error again', async () => {
    const host = await startTestHost();
    await host.load(
      loadRequest(
        moduleOf(
          'async handle(input, ctx) { try { return await ctx.probe(); } catch (error) { return [error.name, error.code, Date.now()]; } }',
        ),
        ASKING,
      ),
    );
    const request = callRequest(0, { onRequest: () => Promise.reject(Object.assign(new Error('gone'), { code: 'unavailable' })) });
    const recorded = await host.call(request);
    expect(outputOf(recorded)).toEqual(['Error', 'unavailable', expect.any(Number)]);
    const again = await host.replay({ ...request, journal: recorded.journal, onRequest: () => Promise.reject(new Error('not asked')) });
    expect(again).toMatchObject({ divergence: null, outcome: { ok: true, outputJson: recorded.ok ? recorded.outputJson : '' } });
  });

  test('stops where another version does something else, and shows both sides', async () => {
    const host = await startTestHost();
    await host.load(loadRequest(RACE, ASKING));
    await host.load(loadRequest(RACE.replace("branch('b', 1)", "branch('B', 1)"), { ...ASKING, hash: 'other' }));
    await host.load(loadRequest(moduleOf('handle: () => 1'), { hash: 'silent' }));
    const request = callRequest(0, { onRequest: lateAnswers() });
    const { journal } = await host.call(request);
    expect(await host.replay({ ...request, hash: 'other', journal })).toMatchObject({
      divergence: {
        index: 1,
        recorded: { seq: 2, name: 'probe', args: { name: 'b' } },
        seen: { seq: 2, name: 'probe', args: { name: 'B' } },
      },
      outcome: { ok: false, failure: 'cancelled', suspect: false, error: { code: 'replay_diverged' } },
    });
    expect(await host.replay({ ...request, hash: 'silent', journal })).toMatchObject({
      divergence: { index: 0, recorded: { name: 'probe' }, seen: null },
      outcome: { ok: true },
    });
    expect(host.stats().calls).toBe(0);
  });

  test('goes on alive where the record ends', async () => {
    const host = await startTestHost({ now: () => 99 });
    await host.load(loadRequest(RACE, ASKING));
    const request = callRequest(0, {
      timeMs: 10,
      onRequest: (name, args) => Promise.resolve(JSON.stringify(name === 'probe' ? args : null)),
    });
    const whole = await host.call(request);
    for (const length of [0, 3, 5, whole.journal.entries.length]) {
      // As after a crash: some answers were there, others not.
      const again = await host.replay({ ...request, journal: { ...whole.journal, entries: whole.journal.entries.slice(0, length) } });
      expect({ length, divergence: again.divergence }).toEqual({ length, divergence: null });
      expect(outputOf(again.outcome)).toEqual(outputOf(whole));
      expect(again.outcome.journal).toEqual(whole.journal);
    }
  });

  test('a call that had effects is never innocent enough to be run again', async () => {
    const host = await startTestHost();
    await host.load(
      loadRequest(moduleOf('async handle(input, ctx) { await ctx.probe(); await new Promise(() => {}); }'), {
        ...ASKING,
        limits: { deadlineMs: 50 },
      }),
    );
    expect(await host.call(callRequest(0))).toMatchObject({ failure: 'deadline', hadRequests: true });
  });
});
