// The children of the node's supervisor, in the order of their needs.
import { serviceChild } from '#kernel/supervisor/service-child.ts';
import { supervisorChild } from '#kernel/supervisor/supervisor-child.ts';
import type { ChildSpec } from '#kernel/supervisor/child-spec.ts';
import type { Supervisor } from '#kernel/supervisor/supervisor.ts';
import { startAgents } from './agents-service.ts';
import { startApprovals } from './approvals-service.ts';
import { startCode } from './code-service.ts';
import { startCompiler } from './compiler-service.ts';
import { startDatabase } from './database-service.ts';
import { startDemo } from './demo-service.ts';
import { startDoor } from './door-service.ts';
import { startHostPools } from './host-pools-service.ts';
import { startImprovements } from './improvements-service.ts';
import { startParkedCalls } from './parked-calls-service.ts';
import { optional } from './optional.ts';
import type { Parts } from './parts.ts';
import { startServingHost } from './sandbox.ts';

/** Long enough for the calls that are in flight when the node is asked to stop. */
const DOOR_SHUTDOWN_MS = 30_000;
const IMPROVEMENTS_SHUTDOWN_MS = 5_000;
const PARKED_CALLS_SHUTDOWN_MS = 5_000;

export function nodeChildren(parts: Parts): ChildSpec[] {
  const servingHosts = Array.from({ length: parts.ground.config.sandbox.servingHosts }, (_, index) => `serving-${index + 1}`);
  return [
    { id: 'compiler', start: serviceChild(() => startCompiler(parts)) },
    { id: 'host-pools', start: serviceChild(() => startHostPools(parts)) },
    // Evaluators and the validator, while there is work for them.
    { id: 'work', type: 'supervisor', start: startWork(parts) },
    {
      id: 'sandbox',
      type: 'supervisor',
      // What only needs the database goes on without it.
      restart: 'transient',
      start: supervisorChild({
        strategy: 'one_for_one',
        // More than hostile code can reach, which takes a started host with it each time: these are hosts that do not even start.
        intensity: 50,
        periodMs: 10_000,
        children: servingHosts.map((id) => ({ id, shutdownMs: 2_000, start: () => startServingHost(parts, id) })),
      }),
    },
    { id: 'database', shutdownMs: 15_000, start: serviceChild(() => startDatabase(parts)) },
    { id: 'code', start: serviceChild(() => startCode(parts)) },
    {
      id: 'agents',
      type: 'supervisor',
      start: remember(parts, 'agentSupervisor', supervisorChild({ intensity: 10, periodMs: 10_000, children: [] })),
    },
    { id: 'directory', start: serviceChild(() => startAgents(parts)) },
    optional(parts, 'approvals', { part: 'approvals', start: startApprovals }),
    optional(parts, 'parked-calls', { part: 'resumer', shutdownMs: PARKED_CALLS_SHUTDOWN_MS, start: startParkedCalls }),
    optional(parts, 'improvements', { part: 'improvements', shutdownMs: IMPROVEMENTS_SHUTDOWN_MS, start: startImprovements }),
    { id: 'door', shutdownMs: DOOR_SHUTDOWN_MS, start: serviceChild(() => startDoor(parts)) },
    optional(parts, 'demo', { restart: 'transient', start: startDemo }),
  ];
}

/** On a new folder the first agents wait for the validator: it starts beside the serving hosts. */
function startWork(parts: Parts): ChildSpec['start'] {
  const start = remember(parts, 'workSupervisor', supervisorChild({ children: [] }));
  return async (context) => {
    const child = await start(context);
    if (parts.ground.newFolder)
      void parts
        .get('workHosts')
        .validator.use(() => Promise.resolve())
        .catch(() => undefined);
    return child;
  };
}

/** Dynamic children are added to the supervisor that runs now, not to one that was replaced. */
function remember(parts: Parts, name: 'workSupervisor' | 'agentSupervisor', start: ChildSpec['start']): ChildSpec['start'] {
  return async (context) => {
    const child = await start(context);
    parts.set(name, child as Supervisor);
    return child;
  };
}
