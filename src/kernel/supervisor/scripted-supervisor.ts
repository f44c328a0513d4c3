// A supervisor over scripted children, with a clock and a list of its events.
import type { ChildSpec } from './child-spec.ts';
import type { SupervisorEvent } from './event.ts';
import type { ExitReason } from './exit-reason.ts';
import { ManualClock } from './manual-clock.ts';
import { Script } from './scripted-child.ts';
import { Supervisor, type SupervisorOptions } from './supervisor.ts';

export const BOOM: ExitReason = { kind: 'error', message: 'boom' };

export interface Scripted {
  script: Script;
  clock: ManualClock;
  events: SupervisorEvent[];
  supervisor: Supervisor;
}

export function scripted(
  options: Omit<SupervisorOptions, 'id' | 'children' | 'clock' | 'onEvent'> & { children: (script: Script) => readonly ChildSpec[] },
): Scripted {
  const script = new Script();
  const clock = new ManualClock();
  const events: SupervisorEvent[] = [];
  const supervisor = new Supervisor({
    ...options,
    id: 'top',
    children: options.children(script),
    clock,
    onEvent: (event) => events.push(event),
  });
  return { script, clock, events, supervisor };
}

/** Permanent children with these names. */
export function workers(...ids: readonly string[]): (script: Script) => readonly ChildSpec[] {
  return (script) => ids.map((id) => ({ id, start: script.start(id) }));
}

/** `id:runs`, `id:none` or `id:restarting`, in start order. */
export function states(supervisor: Supervisor): readonly string[] {
  return supervisor
    .whichChildren()
    .map(({ id, child }) => `${id}:${child === undefined ? 'none' : child === 'restarting' ? child : 'runs'}`);
}

export function ofType(events: readonly SupervisorEvent[], type: SupervisorEvent['type']): readonly SupervisorEvent[] {
  return events.filter((event) => event.type === type);
}
