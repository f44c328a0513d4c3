// agents:chat in a whole node, with the real programs: as OpenAI's clients ask it, and as people do.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, Output, streamText } from 'ai';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { runCommand } from '#lib/process.ts';
import { descendants } from '../processes.ts';
import { startSeed, type SeedProcess } from '../seed-process.ts';
import { until } from '../until.ts';
import { PROGRAMS, settingsOf } from './programs.ts';
import { ScriptedApi, type Scenario } from './scripted-api.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const MODEL = { 'claude-code': 'claude-code', codex: 'codex/gpt-5.5' } as const;
const CLIS = /bin\/codex|\/claude /;

let api: ScriptedApi;
let seed: SeedProcess;

beforeAll(async () => {
  api = await ScriptedApi.start();
  const url = play({ steps: [{ text: 'hello' }] });
  seed = await startSeed({ env: settingsOf(url) });
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

/** What the models' server says from now on. */
function play(scenario: Scenario): { claude: string; codex: string } {
  return api.play('chat', scenario);
}

const complete = (body: object, headers: Record<string, string> = {}) =>
  seed.api<Record<string, never>>('POST', '/v1/chat/completions', body, headers);
const programs = (): { pid: number; command: string }[] => descendants(seed.handle.pid).filter(({ command }) => CLIS.test(command));

describe.each(PROGRAMS)('%s', (program) => {
  const model = MODEL[program];
  const seedModel = () =>
    createOpenAICompatible({
      name: 'seed',
      baseURL: `${seed.url}/v1`,
      apiKey: seed.token,
      includeUsage: true,
      supportsStructuredOutputs: true,
    })(model);

  test('an answer in the shape that everybody knows', async () => {
    play({ steps: [{ text: 'Three things changed.', usage: { input: 321, output: 12 } }] });
    const { status, body } = await complete({ model, temperature: 0, messages: [{ role: 'user', content: 'What changed?' }] });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      object: 'chat.completion',
      model,
      choices: [{ index: 0, message: { role: 'assistant', content: 'Three things changed.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 321, completion_tokens: 12, total_tokens: 333 },
      ignored: ['temperature'],
    });
  });

  test('the AI SDK reads it, whole and streamed, with instructions and a conversation', async () => {
    play({ steps: [{ text: 'A longer answer, in several pieces.', usage: { input: 1_000, output: 50 } }] });
    const { text, usage } = await generateText({ model: seedModel(), prompt: 'What changed?', maxRetries: 0 });
    expect([text, usage.inputTokens, usage.outputTokens]).toEqual(['A longer answer, in several pieces.', 1_000, 50]);
    const asked = api.requests.length;
    const result = streamText({
      model: seedModel(),
      instructions: 'You are terse',
      messages: [
        { role: 'user', content: 'What changed?' },
        { role: 'assistant', content: 'Much.' },
        { role: 'user', content: 'Say more.' },
      ],
      maxRetries: 0,
    });
    expect((await Array.fromAsync(result.textStream)).join('')).toBe('A longer answer, in several pieces.');
    const streamed = await result.usage;
    expect([streamed.inputTokens, streamed.outputTokens]).toEqual([1_000, 50]);
    const sent = JSON.stringify(api.requests.slice(asked).map(({ body }) => body));
    for (const words of ['You are terse', 'What changed?', 'Much.', 'Say more.']) expect(sent).toContain(words);
  });

  test('an answer that has a structure', async () => {
    const answer = { title: 'Release', count: 3 };
    play({ steps: program === 'codex' ? [{ text: JSON.stringify(answer) }] : [{ structured: answer }, { text: 'done' }] });
    const { output } = await generateText({
      model: seedModel(),
      prompt: 'How many?',
      output: Output.object({ schema: z.object({ title: z.string(), count: z.int() }) }),
      maxRetries: 0,
    });
    expect(output).toEqual(answer);
  });

  test('a server that refuses our credential is not a caller without a right', async () => {
    play({ steps: [{ status: 401 }] });
    for (const stream of [false, true]) {
      const { status, body } = await complete({ model, stream, messages: [{ role: 'user', content: 'x' }] });
      expect([status, body]).toMatchObject([
        503,
        { error: { type: 'server_error', code: 'unavailable', details: { failure: 'unauthorized' } } },
      ]);
    }
  });

  test.each([false, true])('who leaves ends it, with everything it has started (stream: %s)', async (stream) => {
    play({ steps: ['silence'] });
    const asked = api.requests.length;
    const leaving = new AbortController();
    const request = fetch(`${seed.url}/v1/chat/completions`, {
      method: 'POST',
      signal: leaving.signal,
      headers: { authorization: `Bearer ${seed.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'x' }] }),
    }).catch((error: unknown) => error);
    await until(
      () => api.requests.length,
      (count) => count > asked,
    );
    expect(programs().length).toBeGreaterThan(0);
    leaving.abort();
    expect(await request).toMatchObject({ name: 'AbortError' });
    await until(programs, (left) => left.length === 0);
    play({ steps: [{ text: 'free again' }] });
    await until(
      () => complete({ model, prompt: 'x' }),
      ({ status }) => status === 200,
    );
  });

  test('on the command line: text for people, the whole answer for programs', async () => {
    play({ steps: [{ text: 'An answer in several pieces.', usage: { input: 70, output: 9 } }] });
    const run = (args: readonly string[]) =>
      runCommand(process.execPath, [join(PROJECT, 'src/cli.ts'), 'agents:chat', 'What?', '--model', model, ...args], {
        env: { DATA_DIR: seed.dataDir },
        cwd: seed.dataDir,
        timeoutMs: 60_000,
      });
    const people = await run([]);
    expect(people.stdout).toBe('An answer in several pieces.\n');
    expect(people.stderr).toContain('prompt_tokens=70  completion_tokens=9');
    const whole = JSON.parse((await run(['--format', 'json'])).stdout) as Record<string, unknown>;
    expect(whole).toMatchObject({ object: 'chat.completion', choices: [{ message: { content: 'An answer in several pieces.' } }] });
  });
});

test('two at once; the third is told to come back', async () => {
  play({ steps: ['silence'] });
  const asked = api.requests.length;
  const leaving = new AbortController();
  const waiting = [1, 2].map(() =>
    fetch(`${seed.url}/v1/chat/completions`, {
      method: 'POST',
      signal: leaving.signal,
      headers: { authorization: `Bearer ${seed.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'codex/gpt-5.5', prompt: 'x' }),
    }).catch((error: unknown) => error),
  );
  await until(
    () => api.requests.length,
    (count) => count === asked + 2,
  );
  const { status, body } = await complete({ prompt: 'x' });
  expect([status, body]).toMatchObject([429, { error: { type: 'rate_limit_error', code: 'rate_limited' } }]);
  leaving.abort();
  await Promise.all(waiting);
  await until(programs, (left) => left.length === 0);
});
