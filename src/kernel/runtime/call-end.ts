// How a call ended, as metrics and the analysis of a rollout count it.
import type { SeedError } from '#lib/error.ts';
import { emit } from '#telemetry/emit.ts';
import type { Metadata } from '#telemetry/events.ts';
import type { CallOutcome } from '../sandbox/call.ts';
import { blame, type Blame, type Invocation } from './invocation.ts';
import type { ServedVersion } from './served-version.ts';

export function emitEnd(
  version: ServedVersion,
  call: { invocation: Invocation; outcome: CallOutcome | null; error: SeedError | null; durationMs: number },
): void {
  const { invocation, outcome, error, durationMs } = call;
  emit(
    'seed_agent.invocation.end',
    { duration_us: Math.round(durationMs * 1000), cpu_us: Math.round(outcome?.stats.cpuUs ?? 0) },
    {
      agent: version.agent,
      export: invocation.exportName,
      version: version.label,
      outcome: outcomeWord(outcome, error),
      path: outcome?.path ?? 'none',
    },
  );
}

/** In the words of the metrics. */
function outcomeWord(outcome: CallOutcome | null, error: SeedError | null): Metadata<'seed_agent.invocation.end'>['outcome'] {
  if (outcome === null) return 'refused';
  if (!outcome.ok) return outcome.failure;
  return error === null ? 'ok' : 'refused';
}

export function whoIsToBlame(outcome: CallOutcome | null, error: SeedError | null): Blame {
  if (outcome === null) return null;
  // The host was content, but the answer or the state was not what the contract allows.
  if (outcome.ok && error !== null) return error.code === 'agent_error' ? 'error' : null;
  return blame(outcome);
}
