// Metrics that are read off the node when somebody asks for them.
import type { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import type { Metrics } from '#telemetry/registry.ts';
import type { Parts } from './parts.ts';
import { queueDepth } from './queue-depth.ts';

export function readMetrics(metrics: Metrics, parts: Parts): void {
  metrics.read('seed_agent_hot_reload_queue_depth', async () => [{ labels: {}, value: await queueDepth(parts) }]);
  metrics.read('seed_agent_cluster_nodes', () => [{ labels: {}, value: 0 }]);
  const perRole = (count: (host: SandboxHost) => number) =>
    (['serving', 'validator', 'evaluator'] as const).map((role) => {
      const hosts = [...parts.runningHosts].filter(([, its]) => its === role);
      return { labels: { role }, value: hosts.reduce((sum, [host]) => sum + count(host), 0) };
    });
  metrics.read('seed_sandbox_hosts', () => perRole(() => 1));
  metrics.read('seed_sandbox_isolates', () => perRole((host) => host.stats().isolates));
}
