// A coding agent's program as a language model of the AI SDK: it answers, and touches nothing.
import {
  APICallError,
  InvalidPromptError,
  LoadAPIKeyError,
  type LanguageModelV4,
  type LanguageModelV4CallOptions,
  type LanguageModelV4FinishReason,
  type LanguageModelV4Message,
  type LanguageModelV4StreamPart,
  type LanguageModelV4Usage,
  type SharedV4Warning,
} from '@ai-sdk/provider';
import type { CliEvent, CliOutcome, CliRequest, CliUsage, CodingCli } from './coding-cli.ts';

const MAX_MESSAGES = 100;
const MAX_CHARACTERS = 100_000;
const TIMEOUT_MS = 120_000;
const RETRYABLE: ReadonlySet<string> = new Set(['rate_limited', 'overloaded', 'unreachable', 'timeout']);
const STATUS: Readonly<Record<string, number>> = { unauthorized: 401, rate_limited: 429, overloaded: 503, bad_request: 400 };

export interface CliModelOptions {
  modelId: string;
  /** Asked at each call: settings may have changed. */
  cli: () => CodingCli;
  /** The folder it works in. Default: this process's own. */
  cwd?: string;
  /** Of one answer. Default two minutes. */
  timeoutMs?: number;
}

export function cliLanguageModel(its: CliModelOptions): LanguageModelV4 {
  const { modelId, cli } = its;
  const provider = 'coding-cli';
  return {
    specificationVersion: 'v4',
    provider,
    modelId,
    supportedUrls: {},
    async doGenerate(options) {
      const { request, warnings } = requestOf(options, its);
      let outcome: CliOutcome | null = null;
      for await (const event of cli().run(request)) if (event.type === 'ended') outcome = event.outcome;
      const answered = successOf(outcome, request);
      return {
        content: [{ type: 'text', text: answered.text }],
        finishReason: STOP,
        usage: usageOf(answered.usage),
        warnings,
        providerMetadata: metadataOf(answered),
      };
    },
    async doStream(options) {
      const { request, warnings } = requestOf(options, its);
      return { stream: streamOf(cli().run(request), { request, warnings }) };
    },
  };
}

const STOP: LanguageModelV4FinishReason = { unified: 'stop', raw: undefined };

function streamOf(
  events: AsyncGenerator<CliEvent, void, void>,
  { request, warnings }: { request: CliRequest; warnings: SharedV4Warning[] },
): ReadableStream<LanguageModelV4StreamPart> {
  async function* parts(): AsyncGenerator<LanguageModelV4StreamPart> {
    let isOpen = false;
    yield { type: 'stream-start', warnings };
    for await (const event of events) {
      if (event.type === 'text') {
        if (!isOpen) yield { type: 'text-start', id: 'text' };
        isOpen = true;
        yield { type: 'text-delta', id: 'text', delta: event.delta };
      } else if (event.type === 'ended') {
        const answered = successOf(event.outcome, request);
        // A structured answer does not stream.
        if (!isOpen && answered.text !== '') {
          yield { type: 'text-start', id: 'text' };
          yield { type: 'text-delta', id: 'text', delta: answered.text };
        }
        if (isOpen || answered.text !== '') yield { type: 'text-end', id: 'text' };
        yield { type: 'finish', finishReason: STOP, usage: usageOf(answered.usage), providerMetadata: metadataOf(answered) };
      }
    }
  }
  return ReadableStream.from(parts());
}

type Answered = Extract<CliOutcome, { ok: true }>;

/** @throws LoadAPIKeyError without a credential; APICallError, which says whether trying again may help; the signal's reason */
function successOf(outcome: CliOutcome | null, request: CliRequest): Answered {
  if (outcome?.ok === true) return outcome;
  const { failure = 'failed', message = 'the program ended without a word' } = outcome ?? {};
  if (failure === 'missing_api_key') throw new LoadAPIKeyError({ message });
  if (failure === 'cancelled') request.signal?.throwIfAborted();
  const statusCode = STATUS[failure];
  throw new APICallError({
    message,
    url: 'stdio:',
    requestBodyValues: {},
    ...(statusCode === undefined ? {} : { statusCode }),
    isRetryable: RETRYABLE.has(failure),
    data: { failure },
  });
}

function requestOf(
  options: LanguageModelV4CallOptions,
  { cwd = process.cwd(), timeoutMs = TIMEOUT_MS }: CliModelOptions,
): { request: CliRequest; warnings: SharedV4Warning[] } {
  const { prompt, responseFormat, abortSignal } = options;
  const characters = prompt.reduce((sum, message) => sum + textOf(message).length, 0);
  if (prompt.length > MAX_MESSAGES || characters > MAX_CHARACTERS) {
    const message = `at most ${MAX_MESSAGES} messages with ${MAX_CHARACTERS} characters, not ${prompt.length} with ${characters}`;
    throw new InvalidPromptError({ prompt, message });
  }
  const instructions = prompt.filter(({ role }) => role === 'system').map(textOf);
  const schema = responseFormat?.type === 'json' ? responseFormat.schema : undefined;
  return {
    request: {
      prompt: conversation(prompt.filter(({ role }) => role !== 'system')),
      ...(instructions.length === 0 ? {} : { instructions: instructions.join('\n\n') }),
      ...(schema === undefined ? {} : { schema: schema as Record<string, unknown> }),
      cwd,
      reach: { kind: 'answer' },
      timeoutMs,
      ...(abortSignal === undefined ? {} : { signal: abortSignal }),
    },
    warnings: warningsOf(options),
  };
}

/** One message as it is; several with who said what. */
function conversation(messages: readonly LanguageModelV4Message[]): string {
  const [first] = messages;
  if (messages.length === 1 && first !== undefined) return textOf(first);
  return messages.map((message) => `${message.role === 'assistant' ? 'Assistant' : 'User'}: ${textOf(message)}`).join('\n\n');
}

/** @throws InvalidPromptError for what is no text: such a program is given words alone */
function textOf(message: LanguageModelV4Message): string {
  if (typeof message.content === 'string') return message.content;
  return message.content
    .map((part) => {
      if (part.type === 'text') return part.text;
      if (part.type === 'reasoning') return '';
      throw new InvalidPromptError({ prompt: message, message: `a ${part.type} can not be given to a coding agent's program` });
    })
    .join('');
}

function warningsOf(options: LanguageModelV4CallOptions): SharedV4Warning[] {
  const unsupported = {
    tools: options.tools?.length ? options.tools : undefined,
    // JSON of no particular shape is nothing that it could be held to.
    responseFormat: options.responseFormat?.type === 'json' && options.responseFormat.schema === undefined ? true : undefined,
    temperature: options.temperature,
    topP: options.topP,
    topK: options.topK,
    seed: options.seed,
    stopSequences: options.stopSequences,
    maxOutputTokens: options.maxOutputTokens,
    presencePenalty: options.presencePenalty,
    frequencyPenalty: options.frequencyPenalty,
  };
  return Object.entries(unsupported).flatMap(([feature, value]) =>
    value === undefined ? [] : [{ type: 'unsupported' as const, feature }],
  );
}

function usageOf({ inputTokens, cachedInputTokens, outputTokens }: CliUsage): LanguageModelV4Usage {
  return {
    inputTokens: { total: inputTokens, noCache: inputTokens - cachedInputTokens, cacheRead: cachedInputTokens, cacheWrite: undefined },
    outputTokens: { total: outputTokens, text: undefined, reasoning: undefined },
  };
}

function metadataOf({ sessionId, usage, turns }: Answered) {
  return { 'coding-cli': { sessionId, costMicroUsd: usage.costMicroUsd, turns } };
}
