// Every operation of the program, by context.
import type { Operation } from '#operation/operation.ts';
import * as approvals from './approvals/approvals.ts';
import * as config from './config/config.ts';
import * as database from './data/database.ts';
import * as cli from './dev/cli.ts';
import * as improvements from './evolution/improvements.ts';
import * as modules from './evolution/modules.ts';
import * as network from './monitor/network.ts';
import type { NodePorts } from './ports.ts';
import * as agents from './runtime/agents.ts';
import * as code from './runtime/code.ts';
import * as system from './runtime/system.ts';

export type { NodePorts } from './ports.ts';

const CONTEXTS = [agents, code, system, improvements, modules, approvals, config, database, network, cli];

export const operations: readonly Operation<NodePorts>[] = CONTEXTS.flatMap((domain) => Object.values(domain)).filter(isOperation);

function isOperation(value: unknown): value is Operation<NodePorts> {
  return typeof value === 'object' && value !== null && 'handler' in value && 'permission' in value;
}
