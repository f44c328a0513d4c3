// An answer in OpenAI's shape: as a whole, and as the chunks of a stream.
import type { SharedV4Warning } from '@ai-sdk/provider';
import { RawJson } from '#operation/raw-json.ts';
import { namesOf, snakeCase, toWire } from '#operation/wire.ts';
import type { ChatEnd } from './chat-run.ts';
import { chatOutput, type ChatCompletion } from './chat-schema.ts';

export interface ChatHead {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
}

type FinishReason = ChatCompletion['choices'][number]['finishReason'];

export function completionOf(head: ChatHead, text: string, end: ChatEnd): ChatCompletion {
  const ignored = ignoredOf(end.warnings);
  return {
    ...head,
    object: 'chat.completion',
    choices: [{ index: 0, message: { role: 'assistant', content: text }, finishReason: finishOf(end) }],
    usage: usageOf(end),
    ...(ignored.length === 0 ? {} : { ignored }),
  };
}

/** The chunks of one answer, in wire names. With `includeUsage` every chunk says that the usage is still to come, and one more has it. */
export class ChatChunks {
  readonly #head: ChatHead;
  readonly #includeUsage: boolean;

  constructor(head: ChatHead, { includeUsage }: { includeUsage: boolean }) {
    this.#head = head;
    this.#includeUsage = includeUsage;
  }

  /** The first one: that an answer comes. */
  begin(): RawJson {
    return this.#chunk({ role: 'assistant', content: '' });
  }

  text(content: string): RawJson {
    return this.#chunk({ content });
  }

  end(end: ChatEnd): readonly RawJson[] {
    const ignored = ignoredOf(end.warnings);
    const last = this.#chunk({}, { finish: finishOf(end), ...(ignored.length === 0 ? {} : { ignored }) });
    return this.#includeUsage
      ? [last, this.#raw({ choices: [], usage: toWire(namesOf(chatOutput.shape.usage, 'output'), usageOf(end)) })]
      : [last];
  }

  #chunk(delta: object, { finish = null, ignored }: { finish?: FinishReason | null; ignored?: readonly string[] } = {}): RawJson {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    return this.#raw({ choices, ...(ignored === undefined ? {} : { ignored }), ...(this.#includeUsage ? { usage: null } : {}) });
  }

  #raw(members: object): RawJson {
    return new RawJson(JSON.stringify({ ...this.#head, object: 'chat.completion.chunk', ...members }));
  }
}

function finishOf({ finishReason }: ChatEnd): FinishReason {
  if (finishReason === 'length') return 'length';
  return finishReason === 'content-filter' ? 'content_filter' : 'stop';
}

function usageOf({ usage, costMicroUsd }: ChatEnd): ChatCompletion['usage'] {
  const { inputTokens, outputTokens } = usage;
  if (inputTokens.total === undefined && outputTokens.total === undefined) return null;
  const [promptTokens, completionTokens] = [inputTokens.total ?? 0, outputTokens.total ?? 0];
  return {
    promptTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    promptTokensDetails: { cachedTokens: inputTokens.cacheRead ?? 0 },
    completionTokensDetails: { reasoningTokens: outputTokens.reasoning ?? 0 },
    ...(costMicroUsd === null ? {} : { costMicroUsd }),
  };
}

/** What was asked for and this model does not take, by the names of the request. */
function ignoredOf(warnings: readonly SharedV4Warning[]): string[] {
  const features = warnings.flatMap((warning) => (warning.type === 'unsupported' ? [warning.feature] : []));
  return [...new Set(features.map((feature) => OTHER_NAMES[feature] ?? snakeCase(feature)))];
}

const OTHER_NAMES: Readonly<Record<string, string>> = { maxOutputTokens: 'max_completion_tokens', stopSequences: 'stop' };
