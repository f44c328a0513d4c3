// What commands there are.
import { SeedError } from '#lib/error.ts';
import { catalogueOf } from '#operation/catalogue.ts';
import type { OperationContext, PageInput } from '#operation/operation.ts';
import { paginate, type Page } from '#operation/page.ts';
import { list as definition } from './cli.ts';
import type { DevPorts, LocalPorts } from './ports.ts';

export function list(input: { module?: string; kind?: string } & PageInput, { ports }: OperationContext<DevPorts>): Page<object> {
  const found = catalogueOf(ports.registry.list()).filter(
    (entry) =>
      (input.module === undefined || entry.name.startsWith(`${input.module}:`)) && (input.kind === undefined || entry.kind === input.kind),
  );
  return paginate(found, input, definition.list ?? { fields: {}, search: [], defaultSort: 'name' });
}

export async function help(input: { command?: string; all: boolean }, context: OperationContext<DevPorts>): Promise<string> {
  const words = input.command?.split(/\s+/).filter((word) => word !== '') ?? [];
  return await localPorts(context).help(words, { all: input.all });
}

/** @throws SeedError `unavailable` outside the command line. */
export function localPorts({ ports, operation }: OperationContext<DevPorts>): LocalPorts {
  if (ports.local !== undefined) return ports.local;
  throw new SeedError('unavailable', `${operation} runs on the command line only`);
}
