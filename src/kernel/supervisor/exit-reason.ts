// Why a child ended, as data: OTP's exit reasons, on which the restart rules decide.
import { isSeedError } from '#lib/error.ts';
import type { ProcessExit } from '#lib/process.ts';

/**
 * `normal`: its work is done. `shutdown`: it was asked to end, or ended in good order (OTP's `shutdown` and `{shutdown, detail}`).
 * `killed`: ended from outside without a chance. `error`: everything else. `message` is for people: no rule looks at it.
 */
export type ExitReason =
  | { kind: 'normal'; message?: string }
  | { kind: 'shutdown'; detail?: unknown; message?: string }
  | { kind: 'killed'; message?: string }
  | { kind: 'error'; message: string; /** Of a SeedError or a system error. */ code?: string; cause?: unknown };

/** A transient child that ends like this is not started again. */
export function isOrderly(reason: ExitReason): boolean {
  return reason.kind === 'normal' || reason.kind === 'shutdown';
}

export function errorExit(error: unknown): ExitReason {
  const message = error instanceof Error ? error.message : String(error);
  const code = isSeedError(error) ? error.code : (error as NodeJS.ErrnoException | null)?.code;
  return { kind: 'error', message, ...(code === undefined ? {} : { code }), cause: error };
}

/** How a process that nobody asked to end has ended: code 0 is normal, SIGKILL is killed, the rest are errors. */
export function processExit({ code, signal }: ProcessExit): ExitReason {
  if (code === 0) return { kind: 'normal' };
  if (signal === 'SIGKILL') return { kind: 'killed', message: 'signal SIGKILL' };
  return { kind: 'error', message: signal === null ? `exit code ${code}` : `signal ${signal}` };
}

/** One line. */
export function formatExitReason(reason: ExitReason): string {
  return reason.message === undefined ? reason.kind : `${reason.kind}: ${reason.message}`;
}
