// How a failure leaves the command: two lines on standard error (or one line of JSON there), and an exit code.
import { ERROR_CODES, SeedError, toSeedError, type ErrorCode } from '#lib/error.ts';
import { paint, type Terminal } from './terminal.ts';
import { printable } from './text-width.ts';
import type { Format } from './globals.ts';

/** What `--format json` writes to standard error, and `--batch` to a line of its answer. */
export interface Failure {
  code: string;
  message: string;
  details?: unknown;
  hint?: string;
  /** The same command may succeed later without a change. */
  retryable: boolean;
}

/** Ended by Ctrl-C: 128 + SIGINT, as shells count. */
export const INTERRUPTED = 130;

const RETRYABLE = new Set<string>(['unavailable', 'database_unavailable', 'queue_full', 'rate_limited', 'expected_version', 'deadline']);

export function failureOf(error: unknown): Failure {
  const { code, message, details, hint } = toSeedError(error);
  return {
    code,
    message,
    ...(details === undefined ? {} : { details }),
    ...(hint === undefined ? {} : { hint }),
    retryable: RETRYABLE.has(code),
  };
}

/** Writes the failure and answers the exit code. */
export function reportFailure(error: unknown, terminal: Terminal, { format, verbose }: { format: Format; verbose: boolean }): number {
  const failure = toSeedError(error);
  if (failure.code === 'cancelled') return INTERRUPTED;
  const { stderr } = terminal;
  if (format === 'json') {
    stderr.write(`${JSON.stringify(failureOf(failure))}\n`);
    return failure.exitCode;
  }
  stderr.write(`${paint(stderr, ['red', 'bold'], 'error:')} ${printable(failure.message)}\n`);
  for (const line of issues(failure)) stderr.write(`  ${line}\n`);
  if (failure.hint !== undefined) stderr.write(`${hintLine(failure.hint, (text) => paint(stderr, 'bold', text))}\n`);
  if (verbose && failure.cause instanceof Error) stderr.write(`${failure.cause.stack ?? failure.cause.message}\n`);
  return failure.exitCode;
}

/** An answer of a node that is not a success. @param status of HTTP. */
export function remoteFailure(status: number, body: string, retryAfter: string | undefined): SeedError {
  const answer = said(parse(body));
  const code = codeOf(status, answer?.['code']);
  const message =
    typeof answer?.['error'] === 'string' ? answer['error'] : `the node answered ${status}${body === '' ? '' : `: ${body.slice(0, 200)}`}`;
  const hint =
    typeof answer?.['hint'] === 'string'
      ? answer['hint']
      : code === 'unauthenticated'
        ? 'set SEED_TOKEN, or run it where the data folder of the node is'
        : undefined;
  const seconds = Number(retryAfter);
  return new SeedError(code, message, {
    ...(answer?.['details'] === undefined ? {} : { details: answer['details'] }),
    ...(hint === undefined ? {} : { hint }),
    ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}),
  });
}

/** An error inside a stream, or of a stream's last item. */
export function failureFrom(value: unknown): SeedError {
  const body = typeof value === 'string' ? value : JSON.stringify(value);
  const answer = parse(body);
  const known = { ...answer, error: answer?.['error'] ?? answer?.['message'] };
  return remoteFailure(500, JSON.stringify(known), undefined);
}

/** A question is no advice. */
function hintLine(hint: string, strong: (text: string) => string): string {
  return hint.startsWith('did you mean') ? printable(hint) : `${strong('try:')} ${printable(hint)}`;
}

/** As OpenAI's clients are told it, everything is below `error`. */
function said(answer: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> | undefined {
  const inner = answer?.['error'];
  if (inner === null || typeof inner !== 'object') return answer;
  return { ...inner, error: (inner as { message?: unknown }).message };
}

/** A newer node may know codes that we do not: the status says what to do with them. */
function codeOf(status: number, code: unknown): ErrorCode {
  if (typeof code === 'string' && Object.hasOwn(ERROR_CODES, code)) return code as ErrorCode;
  const same = (Object.keys(ERROR_CODES) as ErrorCode[]).find((known) => ERROR_CODES[known][0] === status);
  return same ?? (status >= 500 ? 'internal' : 'bad_request');
}

/** Wrong members, one a line; a single one is in the message already. */
function issues({ details }: SeedError): readonly string[] {
  if (!Array.isArray(details) || details.length < 2) return [];
  const lines = details.flatMap((issue: { path?: unknown; message?: unknown }) =>
    typeof issue?.message === 'string'
      ? [printable(`${typeof issue.path === 'string' && issue.path !== '' ? `${issue.path}: ` : ''}${issue.message}`)]
      : [],
  );
  return lines.length > 12 ? [...lines.slice(0, 12), `and ${lines.length - 12} more`] : lines;
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(body) as unknown;
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
