// A supervisor as the child of another one.
import type { StartChild } from './child.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';

/** Clock, listener and path come from the supervisor above. Use it with `type: 'supervisor'`. */
export function supervisorChild(
  options: Omit<SupervisorOptions, 'id' | 'onEvent' | 'clock' | 'parentPath' | 'restartDelayMs'>,
): StartChild {
  return async ({ signal, path, clock, onEvent }) => {
    const supervisor = new Supervisor({ ...options, id: path.at(-1) ?? 'supervisor', parentPath: path.slice(0, -1), clock, onEvent });
    signal.addEventListener('abort', () => supervisor.kill());
    await supervisor.start();
    return supervisor;
  };
}
