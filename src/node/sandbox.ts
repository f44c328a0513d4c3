// Starts sandbox hosts in their roles and lends them out.
import { WorkerHosts } from '#kernel/runtime/worker-hosts.ts';
import { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import type { RunningChild } from '#kernel/supervisor/child.ts';
import { runningProcess } from '#kernel/supervisor/process-child.ts';
import { emit } from '#telemetry/emit.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';
import type { WorkHosts } from './work-hosts.ts';

type Role = 'serving' | 'validator' | 'evaluator';

const IDLE_MS = 30_000;
/** A validator has seen code that nobody vouched for: it is replaced before it could remember much of it. */
const VALIDATOR_MAX_WORK = 200;
const QUEUE_LIMIT = 10_000;

export function createWorkHosts(parts: Parts): WorkHosts {
  const common = { supervisor: () => parts.get('workSupervisor'), idleMs: IDLE_MS, queueLimit: QUEUE_LIMIT };
  return {
    validator: new WorkerHosts({
      ...common,
      name: 'validator',
      size: 1,
      maxWork: VALIDATOR_MAX_WORK,
      isReplaced: true,
      start: () => startHost(parts, 'validator'),
    }),
    evaluators: new WorkerHosts({
      ...common,
      name: 'evaluator',
      size: parts.ground.config.sandbox.evaluatorHosts,
      start: () => startHost(parts, 'evaluator'),
    }),
  };
}

/** A serving host takes calls once every live version is loaded in it. */
export async function startServingHost(parts: Parts, id: string): Promise<RunningChild> {
  const { host, child } = await startHost(parts, 'serving');
  const hosts = parts.get('hosts');
  await hosts.join(id, host);
  void child.exited.then(() => hosts.leave(id, host));
  return {
    ...child,
    // It takes no new calls from here on.
    shutdown: () => {
      hosts.leave(id, host);
      child.shutdown();
    },
    kill: () => child.kill(),
  };
}

async function startHost(parts: Parts, role: Role): Promise<{ host: SandboxHost; child: RunningChild }> {
  const { monotonicMs, processes } = parts.ground;
  const startedMs = monotonicMs();
  const host = await SandboxHost.start({ shortLived: role !== 'serving' });
  emit('seed_agent.sandbox.host_start', { duration_us: Math.round((monotonicMs() - startedMs) * 1000) }, { role, pid: String(host.pid) });
  watchHost(parts, host, role);
  const child = runningProcess(host.process, { label: `sandbox/${role}`, registry: processes });
  return { host, child: { ...child, pid: host.pid, shutdown: () => void host.close() } };
}

/** Its isolates while it runs, and how it ended. */
function watchHost(parts: Parts, host: SandboxHost, role: Role): void {
  const { monotonicMs } = parts.ground;
  const startedMs = monotonicMs();
  parts.runningHosts.set(host, role);
  void host.exited.then(() => {
    parts.runningHosts.delete(host);
    const lifetime = Math.round((monotonicMs() - startedMs) * 1000);
    emit(
      'seed_agent.sandbox.host_exit',
      { lifetime_us: lifetime, calls: host.stats().calls },
      { role, pid: String(host.pid), reason: host.endedBy },
    );
    const { culprit } = host;
    if (role === 'serving' && culprit !== null) parts.find('agents')?.strike(culprit).catch(reportTo(parts, 'code.quarantine.failed'));
  });
}
