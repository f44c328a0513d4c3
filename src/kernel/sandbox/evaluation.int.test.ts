// Scoring: the same samples for every candidate, limits as in calls, and nothing to be seen of the evaluation from the candidate.
import { describe, expect, test, vi } from 'vitest';
import { callLimitsSchema, type CallLimits } from '../compiler/contract.ts';
import type { EvaluateRequest } from './call.ts';
import { startTestHost } from './test-host.ts';

/** Numbers to be doubled; the score is how far off the answers are. */
const EVALUATION = `
  const evaluation = {
    bestPossible: 0,
    sample(set, random) { return { set, numbers: Array.from({ length: 5 }, () => Math.floor(random() * 1000)) }; },
    inside(sample, candidate) { return sample.numbers.reduce((sum, n) => sum + Math.abs(candidate.double(n) - 2 * n), 0); },
    *session(sample) {
      let off = 0;
      for (const number of sample.numbers) { const { doubled } = yield { number }; off += Math.abs(doubled - 2 * number); }
      return { score: off, detail: { set: sample.set, first: sample.numbers[0] } };
    },
  };`;
const evaluationOf = (before = EVALUATION): string => `var __seed_module = (() => { ${before} return { default: evaluation }; })();`;
const candidateOf = (handle: string, before = 'const double = (n) => 2 * n;'): string =>
  `var __seed_module = (() => { ${before} return { default: { ${handle} }, double }; })();`;
const GOOD = candidateOf('async handle({ number }) { return { doubled: double(number) }; }');
const OFF_BY_ONE = candidateOf('handle: ({ number }) => ({ doubled: double(number) })', 'const double = (n) => 2 * n + 1;');

function request(given: Partial<Omit<EvaluateRequest, 'limits'>> & { limits?: Partial<CallLimits> } = {}): EvaluateRequest {
  return {
    agent: 'doubler',
    candidateJs: GOOD,
    evaluationJs: evaluationOf(),
    capabilities: ['state', 'random', 'log'],
    set: 'selection',
    seeds: [1, 2, 3],
    feed: 'outside',
    deadlineMs: 5_000,
    ...given,
    limits: { ...callLimitsSchema.parse({}), ...given.limits },
  };
}

test('an evaluation without a loop to run inside is fed from outside in a search too', async () => {
  const host = await startTestHost();
  const evaluationJs = evaluationOf(`${EVALUATION} delete evaluation.inside;`);
  const spy = candidateOf('handle: ({ number }) => ({ doubled: globalThis.sample === undefined ? double(number) : 0 })');
  expect(await host.evaluate(request({ feed: 'inside', evaluationJs, candidateJs: spy }))).toMatchObject({
    ok: true,
    scores: [0, 0, 0],
    calls: 15,
  });
});

describe('nothing tells a candidate that it is scored', () => {
  const tell = `async handle({ number }, ctx) {
    const { agent, key, principal } = ctx;
    return { doubled: 2 * number, seen: { agent, key, principal, now: ctx.now(), date: Date.now(), random: Math.random() } };
  }`;
  interface Seen {
    agent: string;
    key: string | null;
    principal: { kind: string; id: string; roles: string[]; scopes: string[] };
    now: number;
    date: number;
    random: number;
  }
  async function seenBy(given: Partial<EvaluateRequest>): Promise<Seen[]> {
    const host = await startTestHost();
    const { limits: _limits, ...rest } = given;
    const outcome = await host.evaluate(
      request({ capabilities: ['state', 'now'], candidateJs: candidateOf(tell), seeds: [1, 2, 3, 4, 5, 6, 7, 8], ...rest }),
    );
    if (!outcome.ok) throw new Error(outcome.message);
    return outcome.answers.map(({ outputJson }) => (JSON.parse(outputJson) as { seen: Seen }).seen);
  }

  test('its name, its caller and its key are those of a served call', async () => {
    const seen = await seenBy({});
    expect(seen).toHaveLength(40);
    for (const { agent, principal, key } of seen) {
      expect(agent).toBe('doubler');
      expect(principal).toEqual({ kind: 'user', id: expect.stringMatching(/^[0-9a-f]{24}$/), roles: [], scopes: [] });
      expect(key).toMatch(/^(default|[0-9a-f]{12})$/);
    }
    expect(new Set(seen.map(({ principal }) => principal.id)).size).toBe(8);
    expect(new Set((await seenBy({ capabilities: ['now'] })).map(({ key }) => key))).toEqual(new Set([null]));
  });

  test('its clock moves, from a day that may be today or a year ahead', async () => {
    const seen = await seenBy({});
    const dayMs = 86_400_000;
    const days = seen.map(({ now }) => Math.floor((now - Date.now()) / dayMs));
    expect(Math.min(...days)).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...days)).toBeLessThanOrEqual(367);
    expect(new Set(days).size).toBeGreaterThan(4);
    expect(new Set(seen.map(({ now }) => now)).size).toBe(seen.length);
    for (const { now, date } of seen) expect(date).toBe(now);
  });

  test('its random numbers begin nowhere in particular, and are the same for all who are compared', async () => {
    const seen = await seenBy({});
    expect(new Set(seen.map(({ random }) => random)).size).toBe(seen.length);
    expect(await seenBy({})).toEqual(seen);
  });
});

describe('what answers the same sample otherwise the second time is refused', () => {
  test.each([
    [
      'counts its calls',
      'handle: ({ number }) => ({ doubled: (calls += 1) > 10 ? 0 : 2 * number })',
      'let calls = 0;',
      /after other samples/,
    ],
    [
      'learns from what it was asked',
      'handle: ({ number }) => { seen.push(number); return { doubled: seen.length > 3 ? 2 * number : 0 }; }',
      'const seen = [];',
      /after other samples/,
    ],
    [
      'keeps its books in a variable',
      `async handle({ number }, ctx) {
        if ((await ctx.state.get()) === undefined) books = { n: 0 };
        await ctx.state.set(1);
        return { doubled: 2 * number + (books.n += 1) };
      }`,
      'let books = { n: 1000 };',
      /after its module was loaded anew/,
    ],
    [
      'keeps in its state what is not JSON',
      `async handle({ number }, ctx) {
        const state = (await ctx.state.get()) ?? new Map();
        state.set?.('n', (state.get('n') ?? 0) + 1);
        await ctx.state.set(state);
        return { doubled: state.get?.('n') ?? 0 };
      }`,
      '',
      /its state kept as JSON/,
    ],
    [
      'changes its state and does not set it',
      `async handle({ number }, ctx) {
        const state = await ctx.state.get();
        if (state === undefined) { await ctx.state.set({ n: 1 }); return { doubled: 1 }; }
        return { doubled: (state.n += 1) };
      }`,
      '',
      /its state kept as JSON/,
    ],
  ])('%s', async (_name, handle, before, message) => {
    const host = await startTestHost();
    const candidateJs = candidateOf(handle, `const double = (n) => 2 * n; ${before}`);
    const seeds = [1, 2, 3, 4, 5];
    expect(await host.evaluate(request({ candidateJs, seeds }))).toMatchObject({ ok: true });
    expect(await host.evaluate(request({ candidateJs, seeds, repeat: true }))).toMatchObject({
      ok: false,
      failure: 'unrepeatable',
      message: expect.stringMatching(message),
    });
  });

  test('and what does not is scored as it was: a cache, state, time and chance change nothing', async () => {
    const host = await startTestHost();
    const handle = `async handle({ number }, ctx) {
      const state = (await ctx.state.get()) ?? { n: 0 };
      state.n += 1;
      await ctx.state.set(state);
      if (!known.has(number)) known.set(number, double(number));
      return { doubled: known.get(number) + 0 * state.n + Math.floor(Math.random() * 3) + (Date.now() % 2) };
    }`;
    const asked = request({ candidateJs: candidateOf(handle, 'const double = (n) => 2 * n; const known = new Map();') });
    const once = await host.evaluate(asked);
    const repeated = await host.evaluate({ ...asked, repeat: true });
    expect(once).toMatchObject({ ok: true, calls: 15 });
    expect(repeated).toMatchObject({ ok: true, calls: 25, scores: once.ok ? once.scores : [] });
  });

  test('an evaluation that draws another sample from the same seed is told so', async () => {
    const host = await startTestHost();
    const evaluationJs = evaluationOf(`let draws = 0; ${EVALUATION.replace('random() * 1000', 'draws++')}`);
    expect(await host.evaluate(request({ evaluationJs, repeat: true }))).toMatchObject({
      ok: false,
      failure: 'evaluation_threw',
      message: expect.stringContaining('asks something else when it draws the same sample again'),
    });
  });
});

test('a host that is stopped while it scores is found out long before the scoring would have to end', async () => {
  const host = await startTestHost();
  const limits = { cpuMs: 60_000, deadlineMs: 60_000 };
  const scoring = host.evaluate(request({ candidateJs: candidateOf('handle: () => { for (;;); }'), limits, deadlineMs: 600_000 }));
  process.kill(host.pid, 'SIGSTOP');
  expect(await scoring).toMatchObject({ ok: false, failure: 'host_lost' });
  expect(await host.exited).toMatchObject({ signal: 'SIGKILL' });
});

test('a candidate that streams answers with the list of its chunks', async () => {
  const host = await startTestHost();
  const evaluationJs = evaluationOf(EVALUATION.replace('const { doubled }', 'const [{ doubled }]'));
  const candidateJs = candidateOf('async *handle({ number }) { await null; yield { doubled: double(number) }; yield "more"; }');
  expect(await host.evaluate(request({ evaluationJs, candidateJs }))).toMatchObject({ ok: true, scores: [0, 0, 0] });
  for (const [handle, failure] of [
    ['async *handle() { yield 1; throw new Error(); }', 'threw'],
    ['async *handle() { for (;;) yield "x".repeat(10_000); }', 'output_limit'],
    ['async *handle() { await new Promise(() => {}); }', 'deadline'],
  ]) {
    expect(await host.evaluate(request({ evaluationJs, candidateJs: candidateOf(handle as string) }))).toMatchObject({
      ok: false,
      failure,
    });
  }
});

describe.each(['inside', 'outside'] as const)('fed from %s', (feed) => {
  test("scores each seed's sample", async () => {
    const host = await startTestHost();
    expect(await host.evaluate(request({ feed }))).toMatchObject({
      ok: true,
      scores: [0, 0, 0],
      stopped: false,
      calls: feed === 'inside' ? 3 : 15,
    });
    expect(await host.evaluate(request({ feed, candidateJs: OFF_BY_ONE }))).toMatchObject({ ok: true, scores: [5, 5, 5] });
  });

  test('draws the same samples from the same seeds, whoever is the candidate and whatever it draws itself', async () => {
    const host = await startTestHost();
    const showing = EVALUATION.replace('return sample.numbers.reduce', 'return sample.numbers[0] + 0 * sample.numbers.reduce').replace(
      'score: off',
      'score: sample.numbers[0]',
    );
    const first = async (handle: string): Promise<unknown> =>
      host.evaluate(request({ feed, evaluationJs: evaluationOf(showing), candidateJs: candidateOf(handle) }));
    const scores = await first('handle: ({ number }) => ({ doubled: number })');
    expect(scores).toMatchObject({ ok: true });
    expect(await first('handle({ number }) { for (let i = 0; i < number; i += 1) Math.random(); return { doubled: 1 }; }')).toMatchObject({
      scores: (scores as { scores: number[] }).scores,
    });
  });

  test('stops as soon as the mean can no longer get good enough', async () => {
    const host = await startTestHost();
    const many = { feed, candidateJs: OFF_BY_ONE, seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] };
    expect(await host.evaluate(request({ ...many, stopAt: 2 }))).toMatchObject({ ok: true, scores: [5, 5, 5, 5, 5], stopped: true });
    expect(await host.evaluate(request({ ...many, stopAt: 5 }))).toMatchObject({ ok: true, stopped: false });
    const best = evaluationOf(EVALUATION.replace('bestPossible: 0', 'bestPossible: 6'));
    expect(await host.evaluate(request({ ...many, evaluationJs: best, direction: 'maximize', stopAt: 5.85 }))).toMatchObject({
      scores: [5, 5],
      stopped: true,
    });
    const unknown = evaluationOf(EVALUATION.replace('bestPossible: 0,', ''));
    expect(await host.evaluate(request({ ...many, evaluationJs: unknown, stopAt: 1 }))).toMatchObject({ stopped: false });
  });

  test('stops as soon as it is behind its pace', async () => {
    const host = await startTestHost();
    const five = { feed, candidateJs: OFF_BY_ONE, seeds: [1, 2, 3, 4, 5] };
    expect(await host.evaluate(request({ ...five, paceAt: [5, 5, 4.9, 4.9] }))).toMatchObject({ scores: [5, 5, 5], stopped: true });
    expect(await host.evaluate(request({ ...five, paceAt: [5.1, 5] }))).toMatchObject({ scores: [5, 5, 5, 5, 5], stopped: false });
    const behind = { ...five, direction: 'maximize' as const, paceAt: [5, 5.1] };
    expect(await host.evaluate(request(behind))).toMatchObject({ scores: [5, 5], stopped: true });
    // With all scores there it has nothing to lose any more.
    expect(await host.evaluate(request({ ...five, paceAt: [9, 9, 9, 9, 1] }))).toMatchObject({ stopped: false });
  });

  test.each(['NaN', 'Infinity', '-Infinity', '"5"', 'null', '{}'])('refuses the score %s', async (score) => {
    const host = await startTestHost();
    const js = evaluationOf(
      EVALUATION.replace('return sample.numbers.reduce', `return { score: ${score} }; return sample.numbers.reduce`).replace(
        'score: off',
        `score: ${score}`,
      ),
    );
    expect(await host.evaluate(request({ feed, evaluationJs: js }))).toMatchObject({ ok: false, failure: 'invalid_score' });
  });

  test.each([
    ['for (;;);', ['cpu_limit', 'deadline']],
    ['throw new Error("no");', ['threw']],
    ['const all = []; for (;;) all.push(new Array(1000).fill(all));', ['memory_limit', 'cpu_limit', 'deadline', 'host_lost']],
    ['let x = 3n; for (;;) x = x * x;', ['cpu_limit', 'deadline']],
    ['return "a".repeat(5e8).split("").length;', ['threw', 'memory_limit', 'cpu_limit', 'deadline']],
  ])('ends a candidate that does %j', async (body, failures) => {
    const host = await startTestHost();
    const candidateJs = candidateOf('handle: ({ number }) => ({ doubled: double(number) })', `function double(n) { ${body} }`);
    // Half a second is for those that only their deadline ends.
    const deadlineMs = body.startsWith('throw') ? 10_000 : 500;
    const bad = host.evaluate(request({ feed, candidateJs, deadlineMs }));
    const behind = host.evaluate(request({ feed }));
    expect(await bad).toMatchObject({ ok: false, failure: expect.toBeOneOf(failures) });
    // What stood behind it is scored, or lost with the host by no fault of its own.
    const outcome = await behind;
    if (!outcome.ok) expect(outcome.failure).toBe('host_lost');
    const next = outcome.ok ? host : await startTestHost();
    expect(await next.evaluate(request({ feed }))).toMatchObject({ ok: true, scores: [0, 0, 0] });
  });
});

describe('a task that is only reported', () => {
  const evaluationJs = evaluationOf(
    EVALUATION.replace(
      '  };',
      `    reported: {
      tens: {
        sample(random) { return [10, 20, Math.floor(random() * 1000)]; },
        *session(sample) { let sum = 0; for (const number of sample) sum += (yield { number }).doubled; return { score: sum, detail: this === evaluation.reported.tens }; },
      },
    },
  };`,
    ),
  );

  test('is named with every outcome, and scored when it is asked for', async () => {
    const host = await startTestHost();
    expect(await host.evaluate(request({ evaluationJs }))).toMatchObject({ ok: true, scores: [0, 0, 0], reported: ['tens'] });
    const ask = () => host.evaluate(request({ evaluationJs, set: 'reported:tens', seeds: [7, 8] }));
    const once = await ask();
    expect(once).toMatchObject({ ok: true, details: [true, true], calls: 6 });
    const scores = once.ok ? once.scores : [];
    expect(scores.filter((score) => score >= 60)).toHaveLength(2);
    expect(await ask()).toMatchObject({ scores });
  });

  test.each(['twenties', 'constructor', ''])("%j that is not there is the evaluation's failure", async (task) => {
    const host = await startTestHost();
    const outcome = await host.evaluate(request({ evaluationJs, set: `reported:${task}` }));
    expect(outcome).toMatchObject({ ok: false, failure: 'evaluation_threw' });
  });

  test('an evaluation without any says so', async () => {
    expect(await (await startTestHost()).evaluate(request())).toMatchObject({ ok: true, reported: [] });
  });
});

test("state is a session's: kept between its calls, empty at its beginning", async () => {
  const host = await startTestHost();
  const counting = EVALUATION.replace('off += Math.abs(doubled - 2 * number)', 'off += doubled');
  const handle =
    'async handle(input, ctx) { const state = (await ctx.state.get()) ?? { n: 0 }; state.n += 1; await ctx.state.set(state); return { doubled: state.n }; }';
  const outcome = await host.evaluate(request({ evaluationJs: evaluationOf(counting), candidateJs: candidateOf(handle) }));
  expect(outcome).toMatchObject({ ok: true, scores: [15, 15, 15], details: [{ set: 'selection' }, {}, {}] });
});

test.each([
  ['ctx.state.set(() => 1)', /can not be kept/],
  ['ctx.state.set("x".repeat(2_000_000))', /its contract allows 1048576 bytes/],
])('a state that could not be kept is no success: %s', async (set, message) => {
  const host = await startTestHost();
  const outcome = await host.evaluate(
    request({ candidateJs: candidateOf(`async handle({ number }, ctx) { await ${set}; return { doubled: 2 * number }; }`) }),
  );
  expect(outcome).toMatchObject({ ok: false, failure: 'unserialisable', message: expect.stringMatching(message) });
});

test('a candidate that waits for what nothing settles is told so, not waited for', async () => {
  const host = await startTestHost();
  const outcome = await host.evaluate(request({ candidateJs: candidateOf('handle: () => new Promise(() => {})') }));
  expect(outcome).toMatchObject({ ok: false, failure: 'deadline' });
});

test("what is wrong with an evaluation is not the candidate's fault", async () => {
  const host = await startTestHost();
  const throwing = evaluationOf(EVALUATION.replace('let off = 0;', 'throw new Error("my own mistake");'));
  expect(await host.evaluate(request({ evaluationJs: throwing }))).toMatchObject({
    ok: false,
    failure: 'evaluation_threw',
    message: 'Error: my own mistake',
  });
  const looping = evaluationOf(EVALUATION.replace('let off = 0;', 'for (;;);'));
  expect(await host.evaluate(request({ evaluationJs: looping, deadlineMs: 200 }))).toMatchObject({
    failure: 'deadline',
    message: expect.stringContaining("the evaluation's turn"),
  });
  expect(await host.evaluate(request({ evaluationJs: evaluationOf('const evaluation = {};') }))).toMatchObject({
    failure: 'evaluation_threw',
  });
  expect(await host.evaluate(request({ candidateJs: 'var __seed_module = ((' }))).toMatchObject({
    failure: 'threw',
    message: expect.stringContaining('agent.js'),
  });
  expect(await host.evaluate(request())).toMatchObject({ ok: true });
});

test('from outside a candidate sees neither the evaluation nor its samples', async () => {
  const host = await startTestHost();
  const handle = `handle({ number }) {
    const found = Object.getOwnPropertyNames(globalThis).filter((name) => { try { const value = globalThis[name]; return value?.default?.sample || value?.sample || value?.session; } catch { return false; } });
    const draw = Math.random();
    return { doubled: found.length > 0 || number === Math.floor(draw * 1000) ? 1e6 : 2 * number };
  }`;
  expect(await host.evaluate(request({ candidateJs: candidateOf(handle) }))).toMatchObject({ ok: true, scores: [0, 0, 0] });
});

test('candidates share nothing, not even when one spoils its globals', async () => {
  const host = await startTestHost();
  const spoiler = candidateOf(
    'handle: ({ number }) => ({ doubled: 2 * number })',
    'globalThis.seen = true; Math.floor = () => 7; Array.from = () => []; const double = (n) => 2 * n;',
  );
  const prober = candidateOf('handle: ({ number }) => ({ doubled: globalThis.seen ? 0 : 2 * number })');
  for (const feed of ['inside', 'outside'] as const) {
    await host.evaluate(request({ feed, candidateJs: spoiler }));
    expect(await host.evaluate(request({ feed, candidateJs: prober }))).toMatchObject({ ok: true, scores: [0, 0, 0] });
  }
});

test('can be cancelled between two samples', async () => {
  const host = await startTestHost();
  const controller = new AbortController();
  const seeds = Array.from({ length: 5_000 }, (_, seed) => seed);
  const outcome = host.evaluate(request({ feed: 'inside', seeds, deadlineMs: 60_000 }), controller.signal);
  await vi.waitFor(() => expect(host.stats().evaluations).toBe(1));
  controller.abort();
  expect(await outcome).toMatchObject({ ok: false, failure: 'cancelled' });
  expect(await host.evaluate(request(), AbortSignal.abort())).toMatchObject({ failure: 'cancelled' });
});

test('many candidates and several evaluations at once all get their own scores', async () => {
  const host = await startTestHost();
  const evaluations = [1, 2, 3, 4, 5, 6].map((factor) => evaluationOf(EVALUATION.replaceAll('2 * n', `${factor} * n`)));
  const outcomes = await Promise.all(
    Array.from({ length: 60 }, (_, n) => host.evaluate(request({ evaluationJs: evaluations[n % 6]!, seeds: [n] }))),
  );
  outcomes.forEach((outcome, n) => {
    expect(outcome).toMatchObject({ ok: true });
    if (outcome.ok) expect(outcome.scores[0] === 0).toBe(n % 6 === 1);
  });
});
