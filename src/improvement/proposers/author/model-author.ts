// Any language model as an author: it is shown the agent's files and answers with those that it would change, whole.
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { LanguageModelUsage } from 'ai';
import { z } from 'zod';
import type { CliFailure } from '#lib/coding-cli/coding-cli.ts';
import { isSeedError } from '#lib/error.ts';
import { withoutEvaluation } from '../../lineage/candidate-record.ts';
import type { Author, AuthorEvent, AuthorOutcome, AuthorTask, AuthorUsage } from './author.ts';

export interface ModelAuthorOptions {
  /** Asked at each attempt. @throws SeedError `unavailable` with `details.failure` when it can not be asked */
  model: () => Promise<LanguageModelV4>;
}

const patch = z.object({
  files: z.array(
    z.object({ path: z.string().describe('relative to the agent, for example agent.ts'), content: z.string().describe('the whole file') }),
  ),
  note: z.string().describe('in one sentence what was changed'),
});

const NO_USAGE = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0, costMicroUsd: null };

export function modelAuthor({ model }: ModelAuthorOptions): Author {
  return {
    name: 'model',
    async *write(task): AsyncGenerator<AuthorEvent, void, void> {
      const outcome = await attempt(task, model);
      if (outcome.ok) for (const { path } of outcome.changes) yield { type: 'activity', activity: { kind: 'file', text: path } };
      yield { type: 'ended', outcome };
    },
  };
}

async function attempt(task: AuthorTask, model: ModelAuthorOptions['model']): Promise<AuthorOutcome> {
  // A node that asks no model does not pay for this at its start.
  const { APICallError, generateText, NoObjectGeneratedError, Output } = await import('ai');
  const { signal, timeoutMs } = task;
  const timeout = AbortSignal.timeout(Math.max(1, Math.round(timeoutMs)));
  try {
    const { output, usage } = await generateText({
      model: await model(),
      system: task.instructions,
      prompt: promptOf(task),
      output: Output.object({ schema: patch }),
      abortSignal: AbortSignal.any([signal, timeout]),
    });
    return {
      ok: true,
      text: output.note,
      changes: output.files.map(({ path, content }) => ({ path, text: content })),
      usage: usageOf(usage),
    };
  } catch (error) {
    signal.throwIfAborted();
    if (timeout.aborted) return failed('timeout', `the model had not answered after ${timeoutMs} ms`);
    if (NoObjectGeneratedError.isInstance(error)) {
      return { ...failed('protocol', 'the model did not answer in the form it was asked for'), usage: usageOf(error.usage) };
    }
    return failureOf(error, APICallError.isInstance(error) ? (error.statusCode ?? 0) : null);
  }
}

function promptOf({ prompt, base, start, description }: AuthorTask): string {
  const files = Object.entries(withoutEvaluation({ ...base.sources, ...start })).map(
    ([path, text]) => `## ${path}\n\`\`\`ts\n${text}\n\`\`\``,
  );
  const evaluation = description === null ? [] : [`## EVALUATION.md\n${description}`];
  return [prompt, '# Files', ...files, ...evaluation, 'Answer with every file that you change, whole, and nothing else.'].join('\n\n');
}

/** @param status of the server's answer; null: it was not asked */
function failureOf(error: unknown, status: number | null): AuthorOutcome {
  if (isSeedError(error)) {
    const { failure = 'failed' } = (error.details ?? {}) as { failure?: CliFailure };
    return failed(failure, error.message);
  }
  const message = error instanceof Error ? error.message : String(error);
  if (status === null) return failed('unreachable', message);
  if (status === 401 || status === 403) return failed('unauthorized', message);
  if (status === 429) return failed('rate_limited', message);
  if (status >= 500) return failed('overloaded', message);
  return failed(status >= 400 ? 'bad_request' : 'unreachable', message);
}

function usageOf(usage: LanguageModelUsage | undefined): AuthorUsage {
  const { inputTokens = 0, outputTokens = 0, inputTokenDetails } = usage ?? {};
  return { inputTokens, cachedInputTokens: inputTokenDetails?.cacheReadTokens ?? 0, outputTokens, costMicroUsd: null };
}

function failed(failure: CliFailure, message: string): AuthorOutcome {
  return { ok: false, failure, message, usage: NO_USAGE };
}
