// How OpenAI's clients read errors and streams: for the routes that speak their language.
// https://platform.openai.com/docs/api-reference/chat-streaming
import { toSeedError, type SeedError } from '#lib/error.ts';
import type { AnswerEvent } from '#operation/live-answer.ts';
import type { Operation } from '#operation/operation.ts';
import { encodeOutput } from '#operation/output.ts';
import { stringify } from '#operation/raw-json.ts';
import { failureHeaders } from './answer.ts';
import type { EventFormat } from './event-stream.ts';

/** They know what is wrong with a request as 400 only. */
const INVALID_INPUT_STATUS = 400;

/** `{error: {message, type, param, code, details?, hint?}}`: `code` is ours, `type` is theirs. */
export function openAiFailure(error: unknown, requestId: string): Response {
  const failure = toSeedError(error);
  const status = failure.code === 'invalid_input' ? INVALID_INPUT_STATUS : failure.status;
  return new Response(failureJson(failure), { status, headers: failureHeaders(failure, requestId) });
}

/** `data:` and nothing else; the last one is `[DONE]`. */
export function openAiFormat<Ports>(operation: Operation<Ports>): EventFormat<AnswerEvent> {
  return {
    item: ({ event, data }) => `data: ${event === 'done' ? '[DONE]' : stringify(encodeOutput(operation, data))}\n\n`,
    end: '',
    failure: (error) => `data: ${failureJson(error)}\n\n`,
  };
}

function failureJson(error: SeedError): string {
  const { message, code, details, hint } = error;
  return JSON.stringify({ error: { message, type: typeOf(error), param: paramOf(details), code, details, hint } });
}

function typeOf({ status }: SeedError): string {
  if (status >= 500) return 'server_error';
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  return status === 429 ? 'rate_limit_error' : 'invalid_request_error';
}

/** The first member that is refused. */
function paramOf(details: unknown): string | null {
  const [first] = Array.isArray(details) ? (details as readonly { path?: unknown }[]) : [];
  return typeof first?.path === 'string' && first.path !== '' ? first.path : null;
}
