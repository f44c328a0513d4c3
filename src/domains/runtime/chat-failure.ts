// Why a model gave no answer, in our own words: what the caller can do, and whether it is worth asking again.
import { APICallError, InvalidPromptError, LoadAPIKeyError, UnsupportedFunctionalityError } from '@ai-sdk/provider';
import { isSeedError, SeedError } from '#lib/error.ts';

const LATER_MS = 10_000;

export interface FailedChat {
  name: string;
  /** Who asked has gone away. */
  isGone: boolean;
  /** The time that it had, when that is over. */
  timeoutMs?: number;
}

/**
 * `cancelled`, `deadline`, `rate_limited`, `invalid_input` and `bad_request` (what was asked, not who was asked, is refused); everything
 * else is `unavailable`, with the reason as `details.failure`. Never `unauthenticated`: it is the node that has no right there.
 */
export function chatFailure(error: unknown, { name, isGone, timeoutMs }: FailedChat): SeedError {
  if (isGone) return new SeedError('cancelled', `${name} was not waited for`, { cause: error });
  if (timeoutMs !== undefined) return late(name, timeoutMs, error);
  if (isSeedError(error)) return error;
  if (LoadAPIKeyError.isInstance(error)) return unavailable('missing_api_key', error.message, error);
  if (InvalidPromptError.isInstance(error)) return refused(error.message.replace(/^Invalid prompt: /, ''), error);
  if (UnsupportedFunctionalityError.isInstance(error)) return refused(error.message, error);
  if (APICallError.isInstance(error)) return ofCall(error, name);
  return unavailable('failed', `${name} failed: ${error instanceof Error ? error.message : String(error)}`, error);
}

function ofCall(error: APICallError, name: string): SeedError {
  const message = `${name}: ${error.message}`;
  const { failure } = (error.data ?? {}) as { failure?: unknown };
  switch (typeof failure === 'string' ? failure : failureOf(error)) {
    case 'rate_limited':
      return new SeedError('rate_limited', message, { cause: error, retryAfterMs: retryAfterMs(error) });
    case 'bad_request':
      return new SeedError('bad_request', message, { cause: error });
    case 'timeout':
      return new SeedError('deadline', message, { cause: error });
    case 'overloaded':
      return unavailable('overloaded', message, error, { retryAfterMs: retryAfterMs(error) });
    default:
      return unavailable(typeof failure === 'string' ? failure : failureOf(error), message, error);
  }
}

/** The same words as those of the command lines. */
function failureOf({ statusCode }: APICallError): string {
  if (statusCode === undefined) return 'unreachable';
  if (statusCode === 401 || statusCode === 403) return 'unauthorized';
  if (statusCode === 408) return 'timeout';
  if (statusCode === 429) return 'rate_limited';
  if (statusCode >= 500) return 'overloaded';
  return statusCode >= 400 ? 'bad_request' : 'protocol';
}

function retryAfterMs({ responseHeaders }: APICallError): number {
  const seconds = Number(responseHeaders?.['retry-after']);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : LATER_MS;
}

function late(name: string, timeoutMs: number, cause: unknown): SeedError {
  return new SeedError('deadline', `${name} had not answered after ${timeoutMs} ms`, {
    cause,
    hint: 'CHAT_TIMEOUT_MS is how long it may take',
  });
}

function refused(message: string, cause: unknown): SeedError {
  return new SeedError('invalid_input', message, { cause, hint: 'what it takes: seed help agents:chat' });
}

const HINTS: Readonly<Record<string, string>> = {
  unauthorized: 'the credential that this node has was not accepted: set a new one and start the node again',
  not_installed: 'install it, or set CLAUDE_CLI_PATH or CODEX_CLI_PATH to where it is',
};

function unavailable(failure: string, message: string, cause: unknown, options: { retryAfterMs?: number } = {}): SeedError {
  const words = failure === 'missing_api_key' ? `missing_api_key: ${message}` : message;
  const hint = HINTS[failure];
  return new SeedError('unavailable', words, { details: { failure }, cause, ...(hint === undefined ? {} : { hint }), ...options });
}
