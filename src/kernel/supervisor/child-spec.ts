// Specifications as OTP has them, with their defaults and the combinations it refuses.
import type { StartChild } from './child.ts';
import type { AutoShutdown, ChildType, Restart, Strategy } from './words.ts';

export interface ChildSpec {
  /** Unique within its supervisor. */
  id: string;
  start: StartChild;
  /** Started again always, only after an error, or never (then also forgotten at its end). Default permanent. */
  restart?: Restart;
  /** How long it may take to end when asked, in milliseconds. Default 5000 for a worker, infinity for a supervisor. */
  shutdownMs?: number | 'brutal_kill' | 'infinity';
  /** Its orderly end ends the supervisor too, as autoShutdown says. Default false. */
  significant?: boolean;
  /** Default worker. */
  type?: ChildType;
}

export interface SupervisorFlags {
  /** Whom the end of one child takes along: nobody, all, or those started after it. Default one_for_one. */
  strategy?: Strategy;
  /** More restarts than this within `periodMs` end the supervisor. Default 1. */
  intensity?: number;
  /** Default 5000. */
  periodMs?: number;
  /** Default never. */
  autoShutdown?: AutoShutdown;
}

export type CheckedChildSpec = Readonly<Required<ChildSpec>>;
export type CheckedFlags = Readonly<Required<SupervisorFlags>>;

export type SpecProblem =
  | 'missing_id'
  | 'missing_start'
  | 'duplicate_child_name'
  | 'bad_combination'
  | 'invalid_restart'
  | 'invalid_shutdown'
  | 'invalid_significant'
  | 'invalid_type'
  | 'invalid_strategy'
  | 'invalid_intensity'
  | 'invalid_period'
  | 'invalid_auto_shutdown';

export type Checked<T> = { ok: true; value: T } | { ok: false; problem: SpecProblem; message: string };

/** Members it does not know are left alone, as in OTP. */
export function checkFlags(flags: SupervisorFlags): Checked<CheckedFlags> {
  const { strategy = 'one_for_one', intensity = 1, periodMs = 5000, autoShutdown = 'never' } = flags;
  if (!['one_for_one', 'one_for_all', 'rest_for_one'].includes(strategy)) return refuse('invalid_strategy', strategy);
  if (!Number.isInteger(intensity) || intensity < 0) return refuse('invalid_intensity', intensity);
  if (!Number.isFinite(periodMs) || periodMs <= 0) return refuse('invalid_period', periodMs);
  if (!['never', 'any_significant', 'all_significant'].includes(autoShutdown)) return refuse('invalid_auto_shutdown', autoShutdown);
  return { ok: true, value: { strategy, intensity, periodMs, autoShutdown } };
}

/** `autoShutdown` is that of the supervisor the child is for. */
export function checkChildSpec(spec: ChildSpec, autoShutdown: AutoShutdown): Checked<CheckedChildSpec> {
  const { id, start, restart = 'permanent', significant = false, type = 'worker' } = spec;
  const { shutdownMs = type === 'supervisor' ? 'infinity' : 5000 } = spec;
  if (typeof id !== 'string' || id === '') return refuse('missing_id', id);
  if (typeof start !== 'function') return refuse('missing_start', id);
  if (!['permanent', 'transient', 'temporary'].includes(restart)) return refuse('invalid_restart', restart);
  if (typeof significant !== 'boolean') return refuse('invalid_significant', significant);
  if (!['worker', 'supervisor'].includes(type)) return refuse('invalid_type', type);
  if (!isShutdown(shutdownMs)) return refuse('invalid_shutdown', shutdownMs);
  if (significant && restart === 'permanent') return refuse('bad_combination', `${id}: permanent and significant`);
  if (significant && autoShutdown === 'never')
    return refuse('bad_combination', `${id}: significant under a supervisor with autoShutdown never`);
  return { ok: true, value: { id, start, restart, shutdownMs, significant, type } };
}

function isShutdown(value: unknown): boolean {
  return value === 'brutal_kill' || value === 'infinity' || (typeof value === 'number' && Number.isFinite(value) && value >= 0);
}

/** All of a supervisor's children at once. */
export function checkChildSpecs(specs: readonly ChildSpec[], autoShutdown: AutoShutdown): Checked<readonly CheckedChildSpec[]> {
  const checked = specs.map((spec) => checkChildSpec(spec, autoShutdown));
  const refused = checked.find((result) => !result.ok);
  if (refused !== undefined) return refused;
  const value = checked.flatMap((result) => (result.ok ? [result.value] : []));
  const twice = value.find(({ id }, index) => value.findIndex((other) => other.id === id) !== index);
  return twice === undefined ? { ok: true, value } : refuse('duplicate_child_name', twice.id);
}

function refuse(problem: SpecProblem, value: unknown): { ok: false; problem: SpecProblem; message: string } {
  return { ok: false, problem, message: `${problem.replaceAll('_', ' ')}: ${String(value)}` };
}
