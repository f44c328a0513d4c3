// A model as an author, against a server on loopback that speaks OpenAI's chat completions.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { languageModel } from '#lib/model-provider.ts';
import type { AuthorOutcome } from './author.ts';
import { modelAuthor } from './model-author.ts';

let answer: { status: number; content: string } | 'silence';
const seen: { messages: { role: string; content: unknown }[]; response_format: unknown }[] = [];
const server = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    seen.push(JSON.parse(text) as (typeof seen)[number]);
    if (answer === 'silence') return;
    const body = {
      id: 'c',
      object: 'chat.completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, message: { role: 'assistant', content: answer.content }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 120, completion_tokens: 34, total_tokens: 154, prompt_tokens_details: { cached_tokens: 20 } },
    };
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.status === 200 ? body : { error: { message: answer.content } }));
  });
});
let baseURL: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function write(settings: { baseURL?: string } = { baseURL }, timeoutMs = 20_000): Promise<AuthorOutcome> {
  const author = modelAuthor({ model: () => languageModel('compatible/m', { compatible: settings }) });
  const sources = { 'agent.ts': 'export const old = 1;', 'evals/evaluation.ts': 'the secret' };
  const base = { agent: 'reader', hash: 'h', version: 1, sources };
  const { signal } = new AbortController();
  for await (const event of author.write({
    prompt: 'better it',
    instructions: 'be good',
    base,
    start: {},
    description: null,
    timeoutMs,
    maxTurns: 5,
    budgetMicroUsd: undefined,
    signal,
  })) {
    if (event.type === 'ended') return event.outcome;
  }
  throw new Error('no end');
}

const USAGE = { inputTokens: 120, cachedInputTokens: 20, outputTokens: 34, costMicroUsd: null };
const UNUSED = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, costMicroUsd: null };

test('files come as a structure, with what they cost', async () => {
  answer = { status: 200, content: JSON.stringify({ files: [{ path: 'agent.ts', content: 'export const now = 2;' }], note: 'rounds' }) };
  expect(await write()).toEqual({
    ok: true,
    text: 'rounds',
    changes: [{ path: 'agent.ts', text: 'export const now = 2;' }],
    usage: USAGE,
  });
  const asked = JSON.stringify(seen.at(-1));
  for (const words of ['better it', 'be good', 'export const old = 1;']) expect(asked).toContain(words);
  expect(asked).not.toContain('the secret');
  expect(seen.at(-1)?.response_format).toMatchObject({ type: 'json_schema' });
});

test.each<[string, typeof answer, string, typeof USAGE]>([
  ['words instead', { status: 200, content: 'I would rather not.' }, 'protocol', USAGE],
  ['another structure', { status: 200, content: '{"files":"all"}' }, 'protocol', USAGE],
  ['401', { status: 401, content: 'no' }, 'unauthorized', UNUSED],
  ['400', { status: 400, content: 'no' }, 'bad_request', UNUSED],
])('%s is a failure, which is paid for if there was an answer', async (_, given, failure, usage) => {
  answer = given;
  expect(await write()).toMatchObject({ ok: false, failure, usage });
});

test('a server that never answers is left after its time', async () => {
  answer = 'silence';
  expect(await write({ baseURL }, 300)).toMatchObject({ ok: false, failure: 'timeout' });
});

test('nobody there, and nobody set', async () => {
  expect(await write({ baseURL: 'http://127.0.0.1:9/v1' })).toMatchObject({ ok: false, failure: 'unreachable' });
  expect(await write({})).toMatchObject({ ok: false, failure: 'missing_api_key' });
});
