// The two real programs through our own adapters, against a server that follows a script: what each of them really does, and that
// success is never believed when it was none.
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CliFailure } from '#lib/coding-cli/coding-cli.ts';
import { descendants } from '../processes.ts';
import { until } from '../until.ts';
import { places, PROGRAMS, programOf, runScenario } from './programs.ts';
import { ScriptedApi, type Scenario } from './scripted-api.ts';

let api: ScriptedApi;
beforeAll(async () => {
  api = await ScriptedApi.start();
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

describe.each(PROGRAMS)('%s', (program) => {
  test('answers a prompt, and the answer streams', async () => {
    await using place = await places();
    const prompt = `a prompt of ${'many words '.repeat(20_000)}`;
    const scenario = { steps: [{ text: 'An answer in several pieces.', usage: { input: 1_000, output: 50 } }] };
    const run = await runScenario(api, { name: 'answer', program, scenario, ...place, request: { prompt, reach: { kind: 'answer' } } });
    expect(run.outcome).toMatchObject({
      ok: true,
      text: 'An answer in several pieces.',
      turns: 1,
      usage: { inputTokens: 1_000, outputTokens: 50 },
    });
    expect(run.text).toBe('An answer in several pieces.');
    const [sent] = api.requests.filter((request) => request.scenario === `answer-${program}`);
    expect(JSON.stringify(sent?.body)).toContain('many words many words');
  });

  test('takes instructions that are longer than a command line', async () => {
    await using place = await places();
    const request = { instructions: `a secret${'€'.repeat(100_000)}`, reach: { kind: 'answer' as const } };
    const run = await runScenario(api, { name: 'instructed', program, scenario: { steps: [{ text: 'yes' }] }, ...place, request });
    expect(run.outcome).toMatchObject({ ok: true, text: 'yes' });
    const [sent] = api.requests.filter((one) => one.scenario === `instructed-${program}`);
    expect(JSON.stringify(sent?.body).includes(request.instructions)).toBe(true);
  });

  test('writes a file where it may', async () => {
    await using place = await places();
    const scenario = { steps: [{ write: { path: 'agent.ts', content: 'export const answer = 42;\n' } }, { text: 'written' }] };
    const run = await runScenario(api, { name: 'write', program, scenario, ...place });
    expect(run.outcome).toMatchObject({ ok: true, text: 'written' });
    expect(await readFile(join(place.work, 'agent.ts'), 'utf8')).toBe('export const answer = 42;\n');
    expect(run.events.filter((event) => event.type === 'file')).toHaveLength(1);
  });

  test('writes nothing outside its folder, neither beside it nor in a temporary folder', async () => {
    await using place = await places();
    const beside = join(place.work, '..', 'beside.txt');
    const scenario = { steps: [{ write: { path: beside, content: 'x' } }, { text: 'done' }] };
    const run = await runScenario(api, { name: 'outside', program, scenario, ...place });
    expect(existsSync(beside)).toBe(false);
    expect(run.events.filter((event) => event.type === 'file')).toEqual([]);
    // Claude Code tells of it; Codex does not, and its success must be judged by the files.
    if (program === 'claude-code') expect(run.outcome).toMatchObject({ ok: false, failure: 'denied' });
    expect(await readdir(place.work)).toEqual([]);
  });

  test('writes nothing at all when it is only to answer', async () => {
    await using place = await places();
    const scenario = { steps: [{ write: { path: 'agent.ts', content: 'x' } }, { text: 'done' }] };
    await runScenario(api, { name: 'answer-only', program, scenario, ...place, request: { reach: { kind: 'answer' } } });
    expect(await readdir(place.work)).toEqual([]);
  });

  test('runs and reads nothing when it is only to answer', async () => {
    await using place = await places();
    const secret = join(place.work, '..', 'secret.txt');
    await writeFile(secret, 'the-keys-of-the-node');
    const name = 'answer-reads';
    const scenario = { steps: [{ shell: `cat ${secret}` }, { text: 'done' }] };
    await runScenario(api, { name, program, scenario, ...place, request: { reach: { kind: 'answer' } } });
    const sent = api.requests.filter((request) => request.scenario === `${name}-${program}`).map(({ body }) => JSON.stringify(body));
    // It was asked to, or the test would show nothing.
    expect(sent).toHaveLength(2);
    expect(sent.filter((body) => body.includes('the-keys-of-the-node'))).toHaveLength(0);
  });

  const failures: readonly (readonly [string, Scenario, CliFailure])[] = [
    ['401', { steps: [{ status: 401 }] }, 'unauthorized'],
    ['429 for ever', { steps: [{ status: 429, retryAfterSeconds: 0 }] }, 'rate_limited'],
    ['500', { steps: [{ status: 500 }] }, 'overloaded'],
    ['400', { steps: [{ status: 400 }] }, 'bad_request'],
    ['an answer that is cut off', { steps: ['cut'] }, 'unreachable'],
  ];
  test.each(failures)('%s is a failure and says which', async (name, scenario, failure) => {
    await using place = await places();
    const run = await runScenario(api, { name: name.replaceAll(' ', '-'), program, scenario, ...place });
    // Codex shows the server's words and, for a 400, no status.
    const told = program === 'codex' && failure === 'bad_request' ? 'failed' : failure;
    expect(run.outcome).toMatchObject({ ok: false, failure: told });
    expect(run.outcome).toHaveProperty('message', expect.stringMatching(/.{3}/));
  });

  test('429 once, then an answer: a success', async () => {
    await using place = await places();
    const scenario = { first: [{ status: 429, retryAfterSeconds: 0 }], steps: [{ text: 'after all' }] };
    expect((await runScenario(api, { name: 'retry', program, scenario, ...place })).outcome).toMatchObject({ ok: true, text: 'after all' });
  });

  test('a server that never answers is ended by our clock, with everything it has started', async () => {
    await using place = await places();
    const run = await runScenario(api, {
      name: 'silent',
      program,
      scenario: { steps: ['silence'] },
      ...place,
      request: { timeoutMs: 2_000 },
    });
    expect(run.outcome).toMatchObject({ ok: false, failure: 'timeout' });
    expect(descendants(process.pid).filter(({ command }) => command.includes(place.state))).toEqual([]);
  });

  test('cut off after an answer: it is known what that has used, where the program tells before its end', async () => {
    await using place = await places();
    const used = { input: 700, output: 30 };
    const cancel = new AbortController();
    const running = runScenario(api, {
      name: 'cut-off',
      program,
      scenario: { steps: [{ write: { path: 'agent.ts', content: 'export {};' }, usage: used }, 'silence'] },
      ...place,
      request: { signal: cancel.signal },
    });
    await until(
      () => api.requests.filter(({ scenario }) => scenario === `cut-off-${program}`).length,
      (asked) => asked === 2,
    );
    cancel.abort();
    const known = program === 'claude-code' ? { inputTokens: 700, outputTokens: 30 } : { inputTokens: 0, outputTokens: 0 };
    expect((await running).outcome).toMatchObject({ ok: false, failure: 'cancelled', usage: { ...known, costMicroUsd: null } });
  });

  test('cancelled in the middle', async () => {
    await using place = await places();
    const cancel = new AbortController();
    const running = runScenario(api, {
      name: 'cancelled',
      program,
      scenario: { steps: ['silence'] },
      ...place,
      request: { signal: cancel.signal },
    });
    await until(
      () => api.requests.some(({ scenario }) => scenario === `cancelled-${program}`),
      (isAsked) => isAsked,
    );
    cancel.abort();
    expect((await running).outcome).toMatchObject({ ok: false, failure: 'cancelled' });
  });

  test('ended by somebody else in the middle is no success', async () => {
    await using place = await places();
    const scenario: Scenario = { steps: ['silence'] };
    const running = runScenario(api, { name: 'killed', program, scenario, ...place });
    await until(
      () => api.requests.some((request) => request.scenario === `killed-${program}`),
      (isAsked) => isAsked,
    );
    const name = program === 'codex' ? 'bin/codex' : 'linux-x64/claude';
    for (const { pid, command } of descendants(process.pid)) if (command.includes(name)) process.kill(pid, 'SIGTERM');
    expect((await running).outcome.ok).toBe(false);
  });

  test('goes on with a session, and is booked for what it used, not for the whole session', async () => {
    await using place = await places();
    const scenario = { steps: [{ text: 'one', usage: { input: 1_000, output: 10 } }] };
    const first = await runScenario(api, { name: 'session', program, scenario, ...place });
    expect(first.outcome.ok && first.outcome.sessionId).toBeTruthy();
    const resume = { sessionId: first.outcome.sessionId ?? '', booked: first.outcome.usage };
    const second = await runScenario(api, {
      name: 'session-again',
      program,
      scenario: { steps: [{ text: 'two', usage: { input: 500, output: 7 } }] },
      ...place,
      request: { resume },
    });
    expect(second.outcome).toMatchObject({ ok: true, text: 'two', usage: { inputTokens: 500, outputTokens: 7 } });
    if (program === 'claude-code') {
      const [once, again] = [first.outcome.usage.costMicroUsd ?? 0, second.outcome.usage.costMicroUsd ?? 0];
      expect(once).toBeGreaterThan(0);
      expect(again).toBeLessThan(once);
    }
  });

  test('without a credential nothing is sent', async () => {
    await using place = await places();
    const url = api.play(`anonymous-${program}`, { steps: [{ text: 'hello' }] });
    const { claudeCli } = await import('#lib/coding-cli/claude.ts');
    const { codexCli } = await import('#lib/coding-cli/codex.ts');
    const settings = { cliPath: 'never-started', searchPath: '/usr/bin' };
    const cli =
      program === 'codex'
        ? codexCli({ ...settings, home: place.state, apiUrl: url.codex })
        : claudeCli({ ...settings, stateFolder: place.state, apiUrl: url.claude });
    const events = await Array.fromAsync(cli.run({ prompt: 'do it', cwd: place.work, reach: { kind: 'answer' }, timeoutMs: 10_000 }));
    expect(events).toMatchObject([{ type: 'ended', outcome: { ok: false, failure: 'missing_api_key' } }]);
  });

  test('sees nothing of our environment', async () => {
    await using place = await places();
    process.env['SEED_SECRET_CANARY'] = 'canary-in-the-environment';
    const run = programOf(program, api.play(`environment-${program}`, { steps: ['silence'] }), place.state);
    const events = run.run({ prompt: 'x', cwd: place.work, reach: { kind: 'answer' }, timeoutMs: 60_000 });
    await events.next();
    const environments = await until(
      async () =>
        Promise.all(
          descendants(process.pid)
            .filter(({ command }) => /bin\/codex|\/claude /.test(command))
            .map(({ pid }) => readFile(`/proc/${pid}/environ`, 'utf8')),
        ),
      (found) => found.length > 0,
    );
    await events.return();
    expect(environments.join('\n')).toContain(place.state);
    expect(environments.join('\n')).not.toContain('canary');
  });
});

test('claude-code: a budget that is used up', async () => {
  await using place = await places();
  const scenario: Scenario = {
    steps: [
      { write: { path: 'a.ts', content: 'a' } },
      { write: { path: 'b.ts', content: 'b' } },
      { write: { path: 'c.ts', content: 'c' } },
      { text: 'done' },
    ],
  };
  const run = await runScenario(api, { name: 'budget', program: 'claude-code', scenario, ...place, request: { budgetMicroUsd: 500 } });
  expect(run.outcome).toMatchObject({ ok: false, failure: 'budget' });
});

test('claude-code: as many turns as it may take', async () => {
  await using place = await places();
  const scenario: Scenario = {
    steps: [{ write: { path: 'a.ts', content: 'a' } }, { write: { path: 'b.ts', content: 'b' } }, { text: 'done' }],
  };
  const run = await runScenario(api, { name: 'turns', program: 'claude-code', scenario, ...place, request: { maxTurns: 1 } });
  expect(run.outcome).toMatchObject({ ok: false, failure: 'turns' });
});
