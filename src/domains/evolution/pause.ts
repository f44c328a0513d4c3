// Handlers of improvements:pause and improvements:resume.
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';
import { currentPause } from './pause-store.ts';
import { shownPause } from './pause-view.ts';

type Context = OperationContext<NodePorts>;

export async function pause(input: { reason: string }, { ports, principal, dryRun }: Context) {
  if (dryRun) return { paused: shownPause(await currentPause(ports.database)), applied: false };
  const by = { kind: principal.kind, id: principal.id };
  const applied = await ports.improvements.pause({ reason: input.reason, by });
  return { paused: shownPause(await currentPause(ports.database)), applied };
}

export async function resume(_input: object, { ports, principal, dryRun }: Context) {
  if (dryRun) return { ended: shownPause(await currentPause(ports.database)), applied: false };
  const ended = await ports.improvements.resume({ kind: principal.kind, id: principal.id });
  return { ended: shownPause(ended), applied: ended !== null };
}
