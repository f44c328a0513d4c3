// Operations of kind `local`, run where they are asked: in the process of the command line, without a node.
import { SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { parseInput } from '#operation/input.ts';
import type { Operation } from '#operation/operation.ts';
import { observe } from '../runtime/index.ts';
import { completion, docs, help } from './cli.ts';
import type { DevPorts, LocalPorts } from './ports.ts';

export interface LocalRun extends LocalPorts {
  operations: readonly Operation<never>[];
  signal: AbortSignal;
}

const LOCAL: readonly Operation<DevPorts>[] = [help, docs, completion, observe];

/** @param input in wire names. @throws SeedError */
export async function runLocal(name: string, input: unknown, { operations, signal, ...local }: LocalRun): Promise<unknown> {
  const operation = LOCAL.find((one) => one.name === name);
  if (operation === undefined) throw new SeedError('unavailable', `${name} can not be run here`);
  const parsed = parseInput(operation, input, 'wire');
  const handler = await operation.handler();
  return await handler(parsed, {
    operation: name,
    principal: { kind: 'user', id: 'local', roles: [], scopes: ['*'] },
    ports: { registry: { list: () => operations }, local },
    requestId: uuidv7(),
    signal,
    dryRun: false,
    nowMs: Date.now(),
  });
}
