// What the operations of this node stand on.
import type { NodePorts } from '#domains/index.ts';
import { sandboxLayers } from '#kernel/sandbox/layers.ts';
import { EXIT_CODE } from '#lib/exit-code.ts';
import type { Registry } from '#operation/registry.ts';
import type { MetricsHistory } from '#telemetry/metrics-history.ts';
import { createChatDesk } from './chat-models.ts';
import { nodeTree, resetRestarts } from './node-tree.ts';
import type { Parts } from './parts.ts';
import { totalMemory } from './process-tree.ts';
import { hostView } from './host-view.ts';
import { restartChild } from './restart-child.ts';

export function nodePorts(parts: Parts, its: { registry: Registry<NodePorts>; history: MetricsHistory }): NodePorts {
  const { registry, history } = its;
  const { ground } = parts;
  return {
    node: ground.info,
    registry,
    database: parts.get('database'),
    agents: parts.get('agents'),
    runtime: parts.get('runtime'),
    parkedCalls: parts.get('parkedCalls'),
    codeStore: parts.get('codeStore'),
    stager: parts.get('stager'),
    validator: parts.get('workHosts').validator,
    // These may come and go.
    get resumer() {
      return parts.get('resumer');
    },
    get improvements() {
      return parts.get('improvements');
    },
    get triggers() {
      return parts.get('triggers');
    },
    get approvals() {
      return parts.get('approvals');
    },
    chat: createChatDesk(ground.config, ground.codingClis),
    settings: parts.get('settings'),
    health: parts.get('health'),
    logs: ground.telemetry.output.records,
    metricsText: async (which) => (await ground.telemetry.metrics).text(which),
    metricsIncrease: (periodMs) => history.increase(periodMs),
    tree: () => nodeTree(parts),
    sandboxLayers: () => sandboxLayers([...parts.runningHosts.keys()].map((host) => host.pid)),
    memoryBytes: async () => totalMemory(await nodeTree(parts)),
    resetRestartCounters: () => resetRestarts(parts),
    restart: ({ force }) => ground.stop(force ? 'system:restart --force' : 'system:restart', EXIT_CODE.restart),
    restartChild: (path, options) => restartChild(parts, path, options),
    hosts: () => [...parts.runningHosts].map(([host, role]) => hostView(host, role)),
  };
}
