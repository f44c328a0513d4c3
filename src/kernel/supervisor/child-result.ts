// What a call about one child comes to, with OTP's words for the refusals.
import { SeedError, toSeedError } from '#lib/error.ts';

import type { RunningChild } from './child.ts';
import type { ChildSpec, Checked, SpecProblem } from './child-spec.ts';
import { formatExitReason, type ExitReason } from './exit-reason.ts';

type Refusal = 'not_found' | 'running' | 'restarting' | 'already_started' | 'already_present' | 'stopped';

/** `child` is undefined where nothing runs now. `stopped`: the supervisor itself has ended or is ending. */
export type ChildResult =
  | { ok: true; child: RunningChild | undefined }
  | { ok: false; error: Refusal; message: string }
  | { ok: false; error: 'bad_spec'; problem: SpecProblem; message: string }
  | { ok: false; error: 'start_failed'; reason: ExitReason; message: string };

const MESSAGES: Record<Refusal, string> = {
  not_found: 'is not a child of this supervisor',
  running: 'is running: terminate it first',
  restarting: 'is being restarted: terminate it first',
  already_started: 'is running already',
  already_present: 'is specified already: restart it, or delete it first',
  stopped: 'can not be reached: its supervisor has ended',
};

export function refused(id: string, error: Refusal): ChildResult {
  return { ok: false, error, message: `${id} ${MESSAGES[error]}` };
}

export function startFailed(id: string, reason: ExitReason): ChildResult {
  return { ok: false, error: 'start_failed', reason, message: `${id} did not start (${formatExitReason(reason)})` };
}

/** Keeps the code of the child's own error, so that whoever starts a tree can tell a wrong setting from a bug. */
export function startError(id: string, reason: ExitReason): SeedError {
  const message = `${id} did not start: ${reason.message ?? reason.kind}`;
  const own = reason.kind === 'error' ? toSeedError(reason.cause) : undefined;
  return new SeedError(own?.code ?? 'internal', message, { hint: own?.hint, details: own?.details, cause: own });
}

/** @throws SeedError `internal`: a specification that OTP would refuse is a mistake in this program. */
export function accepted<T>(id: string, checked: Checked<T>): T {
  if (checked.ok) return checked.value;
  throw new SeedError('internal', `supervisor ${id}: ${checked.message}`, { details: { problem: checked.problem } });
}

export function badSpec(spec: ChildSpec, refusal: { problem: SpecProblem; message: string }): ChildResult {
  return { ok: false, error: 'bad_spec', problem: refusal.problem, message: `${spec.id}: ${refusal.message}` };
}
