// Handler of improvements:triggers.
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';
import { scoreOf } from './trigger.ts';

export function triggers(input: PageInput & { agent?: string }, context: OperationContext<NodePorts>) {
  const { agents, triggers: cycle } = context.ports;
  const names = agents.names().filter((name) => input.agent === undefined || name === input.agent);
  if (input.agent !== undefined && names.length === 0) throw agents.unknown(input.agent);
  const { cycleMs } = cycle;
  return pageOf(
    names.map((agent) => {
      const look = cycle.lookAt(agent);
      const improvement = agents.worker(agent)?.live?.contract.improvement;
      const isAutomatic = improvement?.enabled === true && improvement.automatic !== undefined;
      const waits = cycleMs === null ? 'IMP_CYCLE_MS is off: nobody looks' : 'it was not looked at since the node has started';
      return {
        agent,
        automatic: isAutomatic,
        on: isAutomatic
          ? [...(improvement.automatic?.on ?? []), ...(improvement.automatic?.everyMs === undefined ? [] : ['schedule'])]
          : [],
        lookedAt: look === undefined ? null : new Date(look.atMs).toISOString(),
        nextLookAt: look === undefined || cycleMs === null ? null : new Date(look.atMs + cycleMs).toISOString(),
        trigger: look?.trigger ?? null,
        reason: look?.reason ?? waits,
        improvement: look?.improvement ?? null,
        seen: look?.seen === undefined || look.seen === null ? null : { ...look.seen, score: scoreOf(look.seen) },
      };
    }),
    input,
    context,
  );
}
