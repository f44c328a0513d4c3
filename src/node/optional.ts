// Services that the node can do without: whichever of them fails too often, or does not start, the others and all calls go on.
import type { StartContext } from '#kernel/supervisor/child.ts';
import type { ChildSpec } from '#kernel/supervisor/child-spec.ts';
import { serviceChild, type Service } from '#kernel/supervisor/service-child.ts';
import { supervisorChild } from '#kernel/supervisor/supervisor-child.ts';
import { toSeedError } from '#lib/error.ts';
import type { Parts } from './parts.ts';

type OptionalPart = 'approvals' | 'resumer' | 'improvements';

export interface OptionalService extends Pick<ChildSpec, 'restart' | 'shutdownMs'> {
  start: (parts: Parts) => Promise<Service> | Service;
  /** What it makes, and what is not there without it. */
  part?: OptionalPart;
}

const FLAGS = { intensity: 3, periodMs: 30_000 };

/** Under a supervisor of its own, which takes nobody along when it gives up. */
export function optional(parts: Parts, id: string, { start, part, ...spec }: OptionalService): ChildSpec {
  const service = serviceChild(() => start(parts));
  const startSupervisor = supervisorChild({
    ...FLAGS,
    children: [
      {
        id: 'service',
        ...spec,
        start: async (context: StartContext) => {
          const child = await service(context);
          if (child !== 'ignore' && part !== undefined) void child.exited.then(() => parts.drop(part));
          return child;
        },
      },
    ],
  });
  return {
    id,
    type: 'supervisor',
    restart: 'transient',
    start: async (context) => {
      try {
        return await startSupervisor(context);
      } catch (thrown) {
        parts.get('backOff').gaveUp(id, toSeedError(thrown).message);
        return 'ignore';
      }
    },
  };
}
