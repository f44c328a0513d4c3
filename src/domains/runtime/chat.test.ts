// agents:chat with a model that says what the test wants: what goes out, what it costs in places, and how failures are told.
import { once } from 'node:events';
import { APICallError, InvalidPromptError, LoadAPIKeyError } from '@ai-sdk/provider';
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import type { AnswerEvent, LiveAnswer } from '#operation/live-answer.ts';
import type { OperationContext } from '#operation/operation.ts';
import { stringify } from '#operation/raw-json.ts';
import { attach, type TelemetryEvent } from '#telemetry/emit.ts';
import type { NodePorts } from '../ports.ts';
import { chat } from './chat.ts';
import { ChatDesk } from './chat-desk.ts';
import { chatInput, chatOutput } from './chat-schema.ts';

const USAGE = {
  inputTokens: { total: 100, noCache: 60, cacheRead: 40, cacheWrite: undefined },
  outputTokens: { total: 7, text: 5, reasoning: 2 },
};
const finish = {
  finishReason: { unified: 'stop', raw: undefined },
  usage: USAGE,
  providerMetadata: { 'coding-cli': { costMicroUsd: 1234 } },
} as const;
const WARNINGS = [{ type: 'unsupported', feature: 'maxOutputTokens' }] as const;

/** Says these words; `before` comes first, and may fail or take its time. */
function modelOf(
  words: readonly string[],
  before: (options: LanguageModelV4CallOptions) => Promise<void> = async () => undefined,
): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'test',
    modelId: 'test',
    supportedUrls: {},
    async doGenerate(options) {
      await before(options);
      return { content: [{ type: 'text', text: words.join('') }], warnings: [...WARNINGS], ...finish };
    },
    async doStream(options) {
      async function* parts(): AsyncGenerator<LanguageModelV4StreamPart> {
        yield { type: 'stream-start', warnings: [...WARNINGS] };
        await before(options);
        for (const delta of words) yield { type: 'text-delta', id: 'text', delta };
        yield { type: 'finish', ...finish };
      }
      return { stream: ReadableStream.from(parts()) };
    },
  };
}

const deskOf = (model: LanguageModelV4 | Error, options: { places?: number; timeoutMs?: number } = {}): ChatDesk =>
  new ChatDesk({ model: async () => (model instanceof Error ? Promise.reject(model) : model), places: 2, timeoutMs: 60_000, ...options });

interface Asked {
  desk: ChatDesk;
  request?: object;
  signal?: AbortSignal;
}

async function ask({ desk, request = {}, signal = new AbortController().signal }: Asked): Promise<unknown> {
  const context = { ports: { chat: desk }, signal, nowMs: 1_700_000_000_999 } as unknown as OperationContext<NodePorts>;
  return await chat(chatInput.parse({ prompt: 'hello', ...request }), context);
}

async function events(answer: unknown): Promise<{ event: string; data: Record<string, unknown> | null }[]> {
  const told: AnswerEvent[] = await Array.fromAsync((answer as LiveAnswer).events);
  return told.map(({ event, data }) => ({ event, data: JSON.parse(stringify(data)) as Record<string, unknown> | null }));
}

const idle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The desk is empty again: its one place can be taken. */
async function isFree(desk: ChatDesk): Promise<void> {
  for (;;) {
    try {
      return desk.enter()();
    } catch {
      await idle();
    }
  }
}

describe('an answer', () => {
  test('as a whole, with what the model counted and what it did not take', async () => {
    const answer = await ask({ desk: deskOf(modelOf(['Good ', 'day.'])), request: { maxTokens: 3, model: 'codex' } });
    expect(chatOutput.parse(answer)).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f-]{36}$/) as unknown,
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'codex',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Good day.' }, finishReason: 'stop' }],
      usage: {
        promptTokens: 100,
        completionTokens: 7,
        totalTokens: 107,
        promptTokensDetails: { cachedTokens: 40 },
        completionTokensDetails: { reasoningTokens: 2 },
        costMicroUsd: 1234,
      },
      ignored: ['max_completion_tokens'],
    });
  });

  test('as chunks: the role first, the texts, why it ended, the usage, and that it is over', async () => {
    const answer = await ask({
      desk: deskOf(modelOf(['Good ', 'day.'])),
      request: { stream: true, streamOptions: { includeUsage: true } },
    });
    const told = await events(answer);
    expect(told.map(({ event }) => event)).toEqual(['chunk', 'chunk', 'chunk', 'chunk', 'chunk', 'done']);
    const chunks = told.slice(0, -1).map(({ data }) => data);
    expect(chunks[0]).toEqual({
      id: expect.stringMatching(/^chatcmpl-/) as unknown,
      object: 'chat.completion.chunk',
      created: 1_700_000_000,
      model: 'claude-code',
      choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
      usage: null,
    });
    expect(chunks.map((chunk) => chunk?.['choices'])).toEqual([
      [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }],
      [{ index: 0, delta: { content: 'Good ' }, finish_reason: null }],
      [{ index: 0, delta: { content: 'day.' }, finish_reason: null }],
      [{ index: 0, delta: {}, finish_reason: 'stop' }],
      [],
    ]);
    expect(chunks.at(-1)?.['usage']).toMatchObject({ prompt_tokens: 100, completion_tokens: 7, total_tokens: 107, cost_micro_usd: 1234 });
    expect(new Set(chunks.map((chunk) => chunk?.['id'])).size).toBe(1);
  });

  test('nobody who has not asked for the usage is told of it', async () => {
    const told = await events(await ask({ desk: deskOf(modelOf(['x'])), request: { stream: true } }));
    expect(told.some(({ data }) => data !== null && 'usage' in data)).toBe(false);
  });
});

const call = (statusCode: number | undefined, more: object = {}): APICallError =>
  new APICallError({ message: 'said', url: 'x', requestBodyValues: {}, ...(statusCode === undefined ? {} : { statusCode }), ...more });

describe('a failure', () => {
  test.each([
    [new LoadAPIKeyError({ message: 'Codex has no credential: set CODEX_API_KEY' }), 'unavailable', 'missing_api_key'],
    [new SeedError('unavailable', 'there is no credential', { details: { failure: 'missing_api_key' } }), 'unavailable', 'missing_api_key'],
    [call(401), 'unavailable', 'unauthorized'],
    [call(429), 'rate_limited', undefined],
    [call(undefined, { data: { failure: 'rate_limited' } }), 'rate_limited', undefined],
    [call(400), 'bad_request', undefined],
    [call(529), 'unavailable', 'overloaded'],
    [call(undefined), 'unavailable', 'unreachable'],
    [call(undefined, { data: { failure: 'not_installed' } }), 'unavailable', 'not_installed'],
    [call(undefined, { data: { failure: 'timeout' } }), 'deadline', undefined],
    [new InvalidPromptError({ prompt: [], message: 'too long' }), 'invalid_input', undefined],
    [new TypeError('what the model sent is nothing'), 'unavailable', 'failed'],
  ])('%s is %s, whole and streamed, and never the right of the caller', async (error, code, failure) => {
    const desk = deskOf(
      modelOf([], () => Promise.reject(error)),
      { places: 1 },
    );
    for (const stream of [false, true]) {
      const thrown: unknown = await ask({ desk, request: { stream } }).catch((reason: unknown) => reason);
      expect(thrown).toMatchObject({ code });
      expect((thrown as SeedError).details).toEqual(failure === undefined ? undefined : { failure });
      await isFree(desk);
    }
  });

  test('what the provider says of later is passed on', async () => {
    const desk = deskOf(modelOf([], () => Promise.reject(call(429, { responseHeaders: { 'retry-after': '7' } }))));
    await expect(ask({ desk })).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 7_000 });
  });

  test('after the first words it comes in the stream', async () => {
    const model = modelOf([]);
    const desk = deskOf(
      {
        ...model,
        doStream: async () => ({
          stream: ReadableStream.from<LanguageModelV4StreamPart>([
            { type: 'text-delta', id: 'text', delta: 'half of an' },
            { type: 'error', error: call(500) },
          ]),
        }),
      },
      { places: 1 },
    );
    await expect(events(await ask({ desk, request: { stream: true } }))).rejects.toMatchObject({ code: 'unavailable' });
    await isFree(desk);
  });

  test('an answer without an end is none', async () => {
    const desk = deskOf({ ...modelOf([]), doStream: async () => ({ stream: ReadableStream.from<LanguageModelV4StreamPart>([]) }) });
    await expect(ask({ desk, request: { stream: true } })).rejects.toMatchObject({ code: 'unavailable', message: 'the answer broke off' });
  });
});

describe('places', () => {
  const forever = ({ abortSignal }: LanguageModelV4CallOptions): Promise<void> =>
    once(abortSignal as AbortSignal, 'abort').then(() => abortSignal?.throwIfAborted());

  test('one more than there are is told to come back', async () => {
    const desk = deskOf(modelOf(['x'], forever), { places: 1 });
    const gone = new AbortController();
    const first = ask({ desk, signal: gone.signal });
    await expect(ask({ desk })).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 5_000 });
    await expect(ask({ desk, request: { stream: true } })).rejects.toMatchObject({ code: 'rate_limited' });
    gone.abort();
    await expect(first).rejects.toMatchObject({ code: 'cancelled' });
    await isFree(desk);
  });

  test('who leaves a stream gives the place back, read or not', async () => {
    const model = modelOf([]);
    const talking = async ({ abortSignal }: LanguageModelV4CallOptions) => ({
      stream: ReadableStream.from(
        (async function* parts(): AsyncGenerator<LanguageModelV4StreamPart> {
          yield { type: 'text-delta', id: 'text', delta: 'first' };
          await forever({ abortSignal } as LanguageModelV4CallOptions);
        })(),
      ),
    });
    const desk = deskOf({ ...model, doStream: talking }, { places: 1 });
    const answer = (await ask({ desk, request: { stream: true } })) as LiveAnswer;
    for await (const { event } of answer.events) {
      expect(event).toBe('chunk');
      break;
    }
    await isFree(desk);
    const gone = new AbortController();
    await ask({ desk, request: { stream: true }, signal: gone.signal });
    gone.abort();
    await isFree(desk);
  });

  test('time that is over', async () => {
    const desk = deskOf(modelOf(['x'], forever), { timeoutMs: 20 });
    await expect(ask({ desk })).rejects.toMatchObject({ code: 'deadline', message: 'claude-code had not answered after 20 ms' });
    await expect(ask({ desk, request: { stream: true } })).rejects.toMatchObject({ code: 'deadline' });
  });
});

test('each one that was asked is an event with its tokens; what is no model was asked of nobody', async () => {
  const seen: unknown[] = [];
  const detach = attach('chat-test', ({ name, measurements, metadata }: TelemetryEvent) => {
    if (name !== 'seed_agent.chat.end') return;
    const { input_tokens, output_tokens } = measurements;
    seen.push({ input_tokens, output_tokens, ...metadata });
  });
  await ask({ desk: deskOf(modelOf(['x'])), request: { model: 'codex/gpt-5.5' } });
  await ask({ desk: deskOf(new SeedError('unavailable', 'x', { details: { failure: 'missing_api_key' } })) }).catch(() => undefined);
  await ask({ desk: deskOf(new SeedError('invalid_input', 'x')), request: { model: 'nobody/x' } }).catch(() => undefined);
  detach();
  expect(seen).toEqual([
    { input_tokens: 100, output_tokens: 7, provider: 'codex', outcome: 'ok' },
    { input_tokens: 0, output_tokens: 0, provider: 'claude-code', outcome: 'missing_api_key' },
  ]);
});
