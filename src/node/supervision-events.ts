// What the supervision tree tells, as events, metrics and log lines.
import { formatExitReason, isOrderly } from '#kernel/supervisor/exit-reason.ts';
import type { SupervisorListener } from '#kernel/supervisor/event.ts';
import { emit } from '#telemetry/emit.ts';
import type { Telemetry } from '#telemetry/telemetry.ts';

export function observeSupervision(telemetry: Telemetry): SupervisorListener {
  const log = telemetry.log.child({ module: 'supervisor' });
  const restarts = new Map<string, number>();
  return (event) => {
    const path = event.path.join('/');
    const supervisor = event.path.at(-2) ?? event.path[0] ?? 'node';
    switch (event.type) {
      case 'start':
        return log.debug({ event: 'supervisor.child.started', path, pid: event.pid, duration_ms: event.durationMs }, `${path} started`);
      case 'start_error':
        return log.error({ event: 'supervisor.child.start_failed', path, reason: formatExitReason(event.reason) }, `${path} did not start`);
      case 'exit':
        // A supervisor that gives up does so in good order, and it is the worst of news.
        if (!event.asked && event.reason.kind === 'shutdown' && event.reason.message !== undefined)
          return log.error(
            { event: 'supervisor.child.gave_up', path, reason: event.reason.message },
            `${path} gave up: ${event.reason.message}`,
          );
        if (event.asked || isOrderly(event.reason)) return log.debug({ event: 'supervisor.child.stopped', path }, `${path} stopped`);
        return log.warn(
          { event: 'supervisor.child.exited', path, reason: formatExitReason(event.reason) },
          `${path} ended: ${formatExitReason(event.reason)}`,
        );
      case 'restart': {
        const count = (restarts.get(path) ?? 0) + 1;
        restarts.set(path, count);
        const reason = event.causedBy === event.id ? event.reason.kind : 'sibling';
        return emit(
          'seed_agent.supervisor.restart',
          { restarts: count },
          { supervisor, child: event.id, kind: kindOf(event.path), reason },
        );
      }
      case 'escalation':
        return emit('seed_agent.supervisor.escalation', {}, { supervisor, child: event.id, cause: event.cause });
    }
  };
}

/** For counting: `serving-2` is serving; every agent is agent; the one service of a supervisor has that one's name. */
function kindOf(path: readonly string[]): string {
  const id = (path.at(-1) === 'service' ? path.at(-2) : path.at(-1)) ?? '';
  return path.at(-2) === 'agents' ? 'agent' : id.replace(/-\d+$/, '');
}
