// Who hands out sandbox hosts: to calls, and to other work. The hosts themselves are children of the supervisors after it.
import { ServingHosts } from '#kernel/runtime/serving-hosts.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import type { Parts } from './parts.ts';
import { createWorkHosts } from './sandbox.ts';

export function startHostPools(parts: Parts): Service {
  const isGivenUp = (): boolean =>
    parts
      .get('backOff')
      .list()
      .some(({ id }) => id === 'sandbox');
  parts.set('hosts', new ServingHosts(() => !isGivenUp()));
  const { validator, evaluators } = parts.set('workHosts', createWorkHosts(parts));
  return {
    close: async () => {
      await Promise.all([validator.close(), evaluators.close()]);
    },
  };
}
