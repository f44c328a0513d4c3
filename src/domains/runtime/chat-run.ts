// One model asked once: for as long as it may take, in one of the places there are, and not longer than somebody wants its answer.
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from '@ai-sdk/provider';
import { SeedError } from '#lib/error.ts';
import { emit } from '#telemetry/emit.ts';
import type { ChatDesk } from './chat-desk.ts';
import { chatFailure } from './chat-failure.ts';

export interface ChatAsk {
  desk: ChatDesk;
  /** Who is asked, as `claude-code` or `provider/model`. */
  name: string;
  options: LanguageModelV4CallOptions;
  /** Aborted when nobody wants the answer any more: it is asked for no further. */
  signal: AbortSignal;
}

/** What is known at the end of an answer. */
export interface ChatEnd {
  finishReason: LanguageModelV4FinishReason['unified'];
  usage: LanguageModelV4Usage;
  /** null where the model does not say. */
  costMicroUsd: number | null;
  warnings: readonly SharedV4Warning[];
}

export type ChatPiece = { text: string } | { end: ChatEnd };

/** @throws SeedError as chatFailure says, and `rate_limited` when every place is taken */
export function wholeRun(ask: ChatAsk): Promise<{ text: string; end: ChatEnd }> {
  return run(ask, async (model, abortSignal) => {
    const { content, finishReason, usage, warnings, providerMetadata } = await model.doGenerate({ ...ask.options, abortSignal });
    const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('');
    const end = endOf({ finishReason, usage, providerMetadata }, warnings);
    return { end, result: { text, end } };
  });
}

/**
 * Texts, and the end as the last piece; read once. Cancelled, it ends the run. It does not wait for its reader: an answer is
 * not larger than the memory that it would take as a whole. Its errors are those of wholeRun.
 */
export function streamedRun(ask: ChatAsk): ReadableStream<ChatPiece> {
  const left = new AbortController();
  const signal = AbortSignal.any([ask.signal, left.signal]);
  return new ReadableStream<ChatPiece>({
    start(controller) {
      const work = run({ ...ask, signal }, async (model, abortSignal) => {
        const end = await readAnswer(await model.doStream({ ...ask.options, abortSignal }), (text) => controller.enqueue({ text }));
        controller.enqueue({ end });
        return { end, result: undefined };
      });
      // Not waited for: a stream whose start has not ended is not read.
      void work.then(
        () => controller.close(),
        (error: unknown) => controller.error(error),
      );
    },
    cancel: () => left.abort(),
  });
}

async function readAnswer({ stream }: Awaited<ReturnType<LanguageModelV4['doStream']>>, tell: (text: string) => void): Promise<ChatEnd> {
  let warnings: readonly SharedV4Warning[] = [];
  let end: ChatEnd | undefined;
  for await (const part of stream) {
    if (part.type === 'stream-start') warnings = part.warnings;
    else if (part.type === 'text-delta' && part.delta !== '') tell(part.delta);
    else if (part.type === 'error') throw part.error;
    else if (part.type === 'finish') end = endOf(part, warnings);
  }
  if (end === undefined) throw new SeedError('unavailable', 'the answer broke off', { details: { failure: 'protocol' } });
  return end;
}

interface Finish {
  finishReason: LanguageModelV4FinishReason;
  usage: LanguageModelV4Usage;
  providerMetadata?: SharedV4ProviderMetadata | undefined;
}

function endOf({ finishReason, usage, providerMetadata }: Finish, warnings: readonly SharedV4Warning[]): ChatEnd {
  if (finishReason.unified === 'error') throw new SeedError('unavailable', 'the answer broke off', { details: { failure: 'failed' } });
  const cost = providerMetadata?.['coding-cli']?.['costMicroUsd'];
  return { finishReason: finishReason.unified, usage, costMicroUsd: typeof cost === 'number' ? cost : null, warnings };
}

/** `work` gives the end, for the books, and what it was done for. */
async function run<T>(
  { desk, name, signal }: ChatAsk,
  work: (model: LanguageModelV4, signal: AbortSignal) => Promise<{ end: ChatEnd; result: T }>,
): Promise<T> {
  const leave = desk.enter();
  const startedMs = performance.now();
  const timeout = AbortSignal.timeout(desk.timeoutMs);
  const booked = (end: ChatEnd | null, outcome: Outcome): void => {
    const [provider = ''] = name.split('/');
    const { inputTokens, outputTokens } = end?.usage ?? {};
    const measured = { input_tokens: inputTokens?.total ?? 0, output_tokens: outputTokens?.total ?? 0 };
    emit('seed_agent.chat.end', { duration_us: Math.round((performance.now() - startedMs) * 1000), ...measured }, { provider, outcome });
  };
  try {
    const model = await desk.model(name);
    const { end, result } = await work(model, AbortSignal.any([signal, timeout]));
    booked(end, 'ok');
    return result;
  } catch (error) {
    const isLate = timeout.aborted && !signal.aborted;
    const failure = chatFailure(error, { name, isGone: signal.aborted, ...(isLate ? { timeoutMs: desk.timeoutMs } : {}) });
    // What was refused at once was asked of nobody.
    if (failure.code !== 'invalid_input') booked(null, outcomeOf(failure));
    throw failure;
  } finally {
    leave();
  }
}

type Outcome = 'ok' | 'cancelled' | 'deadline' | 'rate_limited' | 'missing_api_key' | 'failed';

function outcomeOf({ code, details }: SeedError): Outcome {
  if (code === 'cancelled' || code === 'deadline' || code === 'rate_limited') return code;
  return (details as { failure?: unknown } | undefined)?.failure === 'missing_api_key' ? 'missing_api_key' : 'failed';
}
