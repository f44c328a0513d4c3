// The door of the node: who may ask for what, and the pages behind it.
import { createIdentity } from '#domains/identity/index.ts';
import { operations, type NodePorts } from '#domains/index.ts';
import { statusPage } from '#interfaces/http/status-page.ts';
import type { Service } from '#kernel/supervisor/service-child.ts';
import { createGate } from '#operation/gate.ts';
import { createRegistry } from '#operation/registry.ts';
import { MetricsHistory } from '#telemetry/metrics-history.ts';
import { demoState } from './demo-service.ts';
import { nodePorts } from './node-ports.ts';
import type { Parts } from './parts.ts';

const DRAIN_MS = 25_000;

export async function startDoor(parts: Parts): Promise<Service> {
  const { http, info, telemetry, config, adminToken } = parts.ground;
  const database = parts.get('database');
  const identity = createIdentity({ database, adminToken, metricsToken: config.metrics.token, nowMs: Date.now });
  const metrics = await telemetry.metrics;
  const history = new MetricsHistory({ report: () => metrics.report(), nowMs: Date.now });
  const registry = createRegistry<NodePorts>(operations);
  const ports = nodePorts(parts, { registry, history });
  const gate = createGate<NodePorts>({
    ports,
    activity: identity,
    report: ({ message, operation, requestId, cause }) =>
      telemetry.log.error(
        { event: 'operation.failed', operation, request_id: requestId, cause: String(cause), stack: (cause as Error | undefined)?.stack },
        message,
      ),
  });
  http.open({ registry, gate, authenticator: identity, pages: [statusPage] });
  const signIn = info.url === null ? null : identity.createSignInLink(info.url);
  const { powerSafe } = await database.info();
  parts.ground.screen.first({
    version: info.version,
    dataDir: config.data.dir,
    newFolder: parts.ground.newFolder,
    url: info.url,
    socket: parts.ground.socket,
    signInUrl: signIn?.url ?? null,
    demo: await demoState(parts),
    powerSafe,
  });
  return {
    close: async () => {
      history.close();
      await http.close({ drainMs: DRAIN_MS });
    },
  };
}
