// The two language models as their users have them: ready values, through the AI SDK, over the real programs.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { APICallError, generateText, LoadAPIKeyError, Output, streamText } from 'ai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { claudeCliLanguageModel, codexCliLanguageModel } from 'seed-agent/models';
import { places, PROGRAMS, settingsOf } from './programs.ts';
import { ScriptedApi, type Scenario } from './scripted-api.ts';

const PROJECT = join(import.meta.dirname, '..', '..');
const MODELS = { 'claude-code': claudeCliLanguageModel, codex: codexCliLanguageModel };
let api: ScriptedApi;
let place: Awaited<ReturnType<typeof places>>;
const before = { ...process.env };

beforeAll(async () => {
  api = await ScriptedApi.start();
});
afterAll(() => api[Symbol.asyncDispose]());
beforeEach(async () => {
  place = await places();
});
afterEach(async () => {
  process.env = { ...before };
  await place[Symbol.asyncDispose]();
});

/** What a user sets. */
function settings(scenario: Scenario): Record<string, string> {
  return { ...settingsOf(api.play('model', scenario)), CLAUDE_HOME: place.state, CODEX_HOME: place.state };
}

describe.each(PROGRAMS)('%s', (program) => {
  const model = MODELS[program];

  test('generateText', async () => {
    Object.assign(process.env, settings({ steps: [{ text: 'Three things changed.', usage: { input: 321, output: 12 } }] }));
    const { text, usage } = await generateText({ model, prompt: 'Summarise the latest release notes' });
    expect(text).toBe('Three things changed.');
    expect(usage).toMatchObject({ inputTokens: 321, outputTokens: 12 });
  });

  test('streamText, with instructions and a conversation', async () => {
    Object.assign(process.env, settings({ steps: [{ text: 'A longer answer, in several pieces.' }] }));
    const asked = api.requests.length;
    const { textStream } = streamText({
      model,
      instructions: 'You are terse',
      messages: [
        { role: 'user', content: 'What changed?' },
        { role: 'assistant', content: 'Much.' },
        { role: 'user', content: 'Say more.' },
      ],
    });
    expect((await Array.fromAsync(textStream)).join('')).toBe('A longer answer, in several pieces.');
    const sent = JSON.stringify(api.requests.slice(asked).map(({ body }) => body));
    for (const words of ['You are terse', 'What changed?', 'Much.', 'Say more.']) expect(sent).toContain(words);
  });

  test('an answer that has a structure', async () => {
    const answer = { title: 'Release', count: 3 };
    const said = program === 'codex' ? [{ text: JSON.stringify(answer) }] : [{ structured: answer }, { text: 'done' }];
    Object.assign(process.env, settings({ steps: said }));
    const { output } = await generateText({
      model,
      prompt: 'How many?',
      output: Output.object({ schema: z.object({ title: z.string(), count: z.int() }) }),
    });
    expect(output).toEqual(answer);
  });

  test('a server that refuses is an error that says whether to try again', async () => {
    Object.assign(process.env, settings({ steps: [{ status: 401 }] }));
    const error: unknown = await generateText({ model, prompt: 'x', maxRetries: 0 }).catch((thrown: unknown) => thrown);
    expect(APICallError.isInstance(error) && [error.statusCode, error.isRetryable]).toEqual([401, false]);
  });

  test('without a credential it says what is missing', async () => {
    Object.assign(process.env, settings({ steps: [{ text: 'x' }] }));
    for (const name of ['ANTHROPIC_API_KEY', 'CODEX_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN']) delete process.env[name];
    const error: unknown = await generateText({ model, prompt: 'x', maxRetries: 0 }).catch((thrown: unknown) => thrown);
    expect(LoadAPIKeyError.isInstance(error)).toBe(true);
  });
});

test('the example of the documents runs as it is written', () => {
  const folder = mkdtempSync(join(PROJECT, 'test', 'clis', 'example-'));
  try {
    writeFileSync(
      join(folder, 'example.mts'),
      `import { generateText } from "ai";
import { claudeCliLanguageModel } from "../../../tools/providers/cli";

const result = await generateText({
  model: claudeCliLanguageModel,
  prompt: "Summarise the latest release notes",
});

console.log(result.text);
`,
    );
    // The scripted server is in this process, which waits: another one answers.
    const server = `const { ScriptedApi } = await import(${JSON.stringify(join(PROJECT, 'test/clis/scripted-api.ts'))});
const api = await ScriptedApi.start();
const { claude } = api.play('example', { steps: [{ text: 'All is well.' }] });
process.env.CLAUDE_API_URL = claude;
await import(${JSON.stringify(join(folder, 'example.mts'))});
process.exit(0);`;
    const env = { ...settings({ steps: [{ text: 'unused' }] }), PATH: process.env['PATH'] ?? '' };
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', server], { env, encoding: 'utf8', cwd: PROJECT });
    expect([stdout, stderr]).toEqual(['All is well.\n', '']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
