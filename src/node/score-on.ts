// One evaluation on whatever evaluator hosts there are, and again where its host has ended and that need not be its own doing.
import type { EvaluateOutcome, EvaluateRequest } from '#kernel/sandbox/call.ts';
import type { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import type { WorkerHosts } from '#kernel/runtime/worker-hosts.ts';

/** For a candidate that only was near when its host ended. */
const MAX_RETRIES = 3;
/** The engine itself can fail under code that does no harm, the live version's among it. Whoever has done it does it again. */
const MAX_CRASHES = 2;

export async function scoreOn(
  hosts: Pick<WorkerHosts<SandboxHost>, 'use'>,
  { request, signal }: { request: EvaluateRequest; signal: AbortSignal },
): Promise<EvaluateOutcome> {
  let crashes = 0;
  for (let attempt = 0; ; attempt += 1) {
    const outcome = await hosts.use((host) => host.evaluate(request, signal), signal);
    if (outcome.ok || outcome.hostEnded !== true || attempt === MAX_RETRIES) return outcome;
    if (outcome.failure === 'threw') crashes += 1;
    else if (outcome.failure !== 'host_lost') return outcome;
    if (crashes === MAX_CRASHES) return outcome;
  }
}
