// modules:list — what can be swapped while the node runs, and what comes with the program.
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { pageOf } from '../operation.ts';
import type { NodePorts } from '../ports.ts';

export async function list(input: PageInput & { type: 'all' | 'agent' | 'context' }, context: OperationContext<NodePorts>) {
  const { ports } = context;
  const operations = ports.registry.list();
  const names = [...new Set(operations.map((operation) => operation.name.split(':')[0] ?? ''))];
  const domains = names.map((name) => ({
    name,
    type: 'context' as const,
    version: ports.node.version,
    enabled: true,
    state: 'running',
    operations: operations.filter((operation) => operation.name.startsWith(`${name}:`)).length,
  }));
  const agents = await Promise.all(
    ports.agents.names().map(async (name) => {
      const row = await ports.agents.get(name);
      const live = ports.agents.worker(name)?.live;
      return {
        name,
        type: 'agent' as const,
        version: live === undefined || live === null ? '-' : `v${live.number}`,
        enabled: row.desired === 'running',
        state: await ports.agents.state(row),
        operations: 0,
      };
    }),
  );
  const rows = [...agents, ...domains].filter((row) => input.type === 'all' || row.type === input.type);
  return pageOf(rows, input, context);
}
