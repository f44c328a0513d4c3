// Each provider against a server on loopback that speaks its wire format: what is sent, what is read, and what an error becomes.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { APICallError, generateText, Output, streamText } from 'ai';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { languageModel, MODEL_PROVIDERS, type ModelProvider, type ModelSettings } from './model-provider.ts';

interface Seen {
  path: string;
  headers: IncomingMessage['headers'];
  body: Record<string, unknown>;
}

const USAGE = { input: 120, output: 34 };

/** One whole answer in each provider's own words. */
const ANSWERS: Readonly<Record<ModelProvider, (text: string) => unknown>> = {
  anthropic: (text) => ({
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: USAGE.input, output_tokens: USAGE.output },
  }),
  openai: (text) => ({
    id: 'resp_1',
    object: 'response',
    created_at: 1,
    model: 'm',
    status: 'completed',
    output: [
      { id: 'item_1', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] },
    ],
    incomplete_details: null,
    usage: {
      input_tokens: USAGE.input,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: USAGE.output,
      output_tokens_details: { reasoning_tokens: 0 },
    },
  }),
  google: (text) => ({
    candidates: [{ content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: USAGE.input, candidatesTokenCount: USAGE.output, totalTokenCount: USAGE.input + USAGE.output },
  }),
  cohere: (text) => ({
    generation_id: 'g',
    message: { role: 'assistant', content: [{ type: 'text', text }] },
    finish_reason: 'COMPLETE',
    usage: { billed_units: { input_tokens: 1, output_tokens: 1 }, tokens: { input_tokens: USAGE.input, output_tokens: USAGE.output } },
  }),
  bedrock: (text) => ({
    output: { message: { role: 'assistant', content: [{ text }] } },
    stopReason: 'end_turn',
    usage: { inputTokens: USAGE.input, outputTokens: USAGE.output, totalTokens: USAGE.input + USAGE.output },
  }),
  compatible: (text) => ({
    id: 'c',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
    usage: { prompt_tokens: USAGE.input, completion_tokens: USAGE.output, total_tokens: USAGE.input + USAGE.output },
  }),
};

let answer: { status: number; body: unknown };
let seen: Seen[];
const server = createServer((request, response) => {
  void (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
    seen.push({ path: request.url ?? '', headers: request.headers, body });
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  })();
});
let settings: ModelSettings;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const access = { apiKey: 'not-a-key', baseURL };
  settings = {
    anthropic: access,
    openai: access,
    google: access,
    cohere: access,
    compatible: access,
    bedrock: { region: 'us-east-1', accessKeyId: 'not-an-id', secretAccessKey: 'not-a-secret', baseURL },
  };
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => {
  seen = [];
});

describe.each(MODEL_PROVIDERS)('%s', (provider) => {
  const model = () => languageModel(`${provider}/a-model`, settings);

  test('answers a prompt with its usage', async () => {
    answer = { status: 200, body: ANSWERS[provider]('All is well.') };
    const { text, usage } = await generateText({ model: await model(), instructions: 'Be terse', prompt: 'How is it?', maxRetries: 0 });
    expect(text).toBe('All is well.');
    expect([usage.inputTokens, usage.outputTokens]).toEqual([USAGE.input, USAGE.output]);
    const [request] = seen;
    expect(JSON.stringify(request?.body)).toContain('How is it?');
    expect(JSON.stringify(request?.body)).toContain('Be terse');
    expect(`${request?.path} ${JSON.stringify(request?.body)}`).toContain('a-model');
    // Its own credential and nobody else's.
    expect(JSON.stringify(request?.headers)).toContain(provider === 'bedrock' ? 'AWS4-HMAC-SHA256' : 'not-a-key');
  });

  test('gives an answer that has a structure', async () => {
    const patch = { files: [{ path: 'agent.ts', content: 'export {};' }] };
    // Anthropic and Bedrock may ask for it as a tool; a text of JSON is read by all of them.
    answer = { status: 200, body: ANSWERS[provider](JSON.stringify(patch)) };
    const schema = z.object({ files: z.array(z.object({ path: z.string(), content: z.string() })) });
    const { output } = await generateText({ model: await model(), prompt: 'Better it', output: Output.object({ schema }), maxRetries: 0 });
    expect(output).toEqual(patch);
  });

  test.each([
    [401, false],
    [429, true],
    [500, true],
  ])('%i is an error that says whether to try again', async (status, isRetryable) => {
    answer = { status, body: { error: { message: 'scripted', type: 'scripted' }, message: 'scripted' } };
    const error: unknown = await generateText({ model: await model(), prompt: 'x', maxRetries: 0 }).catch((thrown: unknown) => thrown);
    expect(APICallError.isInstance(error) && [error.statusCode, error.isRetryable]).toEqual([status, isRetryable]);
  });

  test('can be cancelled', async () => {
    const stop = new AbortController();
    stop.abort(new Error('given up'));
    answer = { status: 200, body: {} };
    const { textStream } = streamText({ model: await model(), prompt: 'x', abortSignal: stop.signal, onError: () => undefined });
    expect(await Array.fromAsync(textStream)).toEqual([]);
  });

  test('without a credential it says what is missing, and asks nobody', async () => {
    await expect(languageModel(`${provider}/a-model`, {})).rejects.toMatchObject({
      code: 'unavailable',
      details: { failure: 'missing_api_key', provider },
      hint: expect.stringMatching(/^set [A-Z_]+/) as string,
    });
    expect(seen).toEqual([]);
  });
});

test.each(['gpt', 'openia/gpt', 'openai/', '/x', ''])('%j is no model', async (name) => {
  await expect(languageModel(name, settings)).rejects.toMatchObject({ code: 'invalid_input' });
});
