// agents:chat in a whole node, over a server that is not ours, and with nothing to ask anybody with.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText, streamText } from 'ai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSeed, type SeedProcess } from './seed-process.ts';

const USAGE = { prompt_tokens: 120, completion_tokens: 34, total_tokens: 154, prompt_tokens_details: { cached_tokens: 100 } };
const head = { id: 'c', created: 1, model: 'm' };
const seen: { headers: IncomingMessage['headers']; body: Record<string, unknown> }[] = [];

/** Any server that speaks OpenAI's chat completions. */
const server = createServer((request, response) => {
  void (async () => {
    const body = (await json(request)) as Record<string, unknown>;
    seen.push({ headers: request.headers, body });
    if (body['model'] === 'busy') {
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '3' }).end('{"error":{"message":"too much"}}');
    } else if (body['stream'] === true) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const chunks = [
        { choices: [{ index: 0, delta: { role: 'assistant', content: 'Good ' } }] },
        { choices: [{ index: 0, delta: { content: 'day.' }, finish_reason: 'length' }] },
        { choices: [], usage: USAGE },
      ];
      for (const chunk of chunks) response.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...chunk })}\n\n`);
      response.end('data: [DONE]\n\n');
    } else {
      const choices = [{ index: 0, message: { role: 'assistant', content: 'Good day.' }, finish_reason: 'stop' }];
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage: USAGE }));
    }
  })();
});

let seed: SeedProcess;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  seed = await startSeed({ env: { MODEL_API_URL: `http://127.0.0.1:${port}/v1`, MODEL_API_KEY: 'key-of-the-node', HOME: '/nowhere' } });
});
afterAll(async () => {
  await seed[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const model = (name: string) =>
  createOpenAICompatible({ name: 'seed', baseURL: `${seed.url}/v1`, apiKey: seed.token, includeUsage: true })(name);

test('a model of a provider, with the key of the node and what it was asked for', async () => {
  const { text, usage } = await generateText({
    model: model('compatible/m'),
    prompt: 'hello',
    temperature: 0.5,
    maxOutputTokens: 9,
    maxRetries: 0,
  });
  expect([text, usage.inputTokens, usage.outputTokens, usage.inputTokenDetails.cacheReadTokens]).toEqual(['Good day.', 120, 34, 100]);
  const { headers, body } = seen.at(-1) ?? {};
  expect(headers?.authorization).toBe('Bearer key-of-the-node');
  expect(body).toMatchObject({ model: 'm', temperature: 0.5, max_tokens: 9 });
});

test('streamed, with why it ended', async () => {
  const result = streamText({ model: model('compatible/m'), prompt: 'hello', maxRetries: 0 });
  expect(await Array.fromAsync(result.textStream)).toEqual(['Good ', 'day.']);
  expect([await result.finishReason, (await result.usage).outputTokens]).toEqual(['length', 34]);
});

const ask = (body: object) => seed.api('POST', '/v1/chat/completions', { prompt: 'hello', ...body });

test('what goes wrong, in the words of those clients', async () => {
  const codex = await ask({ model: 'codex', stream: true });
  expect([codex.status, codex.body]).toMatchObject([
    503,
    {
      error: {
        message: expect.stringContaining('missing_api_key') as unknown,
        type: 'server_error',
        code: 'unavailable',
        details: { failure: 'missing_api_key' },
      },
    },
  ]);
  expect(await ask({})).toMatchObject({ status: 503, body: { error: { details: { failure: 'missing_api_key' } } } });
  expect(await ask({ model: 'openai/gpt-5.5' })).toMatchObject({ status: 503, body: { error: { hint: 'set OPENAI_API_KEY' } } });
  expect(await ask({ model: 'compatible/busy' })).toMatchObject({
    status: 429,
    body: { error: { code: 'rate_limited', type: 'rate_limit_error' } },
  });
  expect(await ask({ model: 'codexx' })).toMatchObject({ status: 400, body: { error: { param: 'model', hint: 'did you mean codex?' } } });
  expect(await ask({ tools: [] })).toMatchObject({ status: 400, body: { error: { param: 'tools' } } });
  const stranger = await fetch(`${seed.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
  expect([stranger.status, await stranger.json()]).toMatchObject([401, { error: { code: 'unauthenticated' } }]);
});

test('the activity knows who asked which model, and nothing of what was said', async () => {
  const { body } = await seed.api<{ data: { rows: unknown[] } }>(
    'POST',
    '/api/database/query',
    { sql: "select * from activity where operation = 'agents:chat'" },
    { 'x-confirm': 'database:query' },
  );
  expect(JSON.stringify(body)).toContain('compatible/m');
  expect(JSON.stringify(body)).not.toContain('hello');
});
