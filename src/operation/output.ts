// What a handler answered, checked against its definition: nothing undeclared leaves the node.
import { SeedError } from '#lib/error.ts';
import type { Operation } from './operation.ts';
import { RawJson } from './raw-json.ts';
import { schemasOf } from './schema.ts';
import { snakeCase, toWire } from './wire.ts';

/** @throws SeedError `internal` when the handler broke its own definition. */
export function checkOutput<Ports>(operation: Operation<Ports>, output: unknown, dryRun: boolean): unknown {
  // Its maker vouches for it.
  if (output instanceof RawJson) return output;
  const { output: schema, plan } = schemasOf(operation);
  return checked(operation, (dryRun ? plan : schema).safeParse(output));
}

/** One item of a stream. @throws SeedError `internal` */
export function checkItem<Ports>(operation: Operation<Ports>, item: unknown): unknown {
  return item instanceof RawJson ? item : checked(operation, operation.output.safeParse(item));
}

/** The answer of `Gate.call` (or an item of its stream) as it goes out, in wire names. */
export function encodeOutput<Ports>(operation: Operation<Ports>, output: unknown): unknown {
  if (output instanceof RawJson || output === null || typeof output !== 'object') return output;
  const wire = toWire(schemasOf(operation).outputNames, output);
  if ((output as { applied?: unknown }).applied !== false) return wire;
  // A plan may say more than the output does; its own members get their wire names too, what is in them stays as it is.
  return Object.fromEntries(Object.entries(wire as Record<string, unknown>).map(([name, value]) => [snakeCase(name), value]));
}

function checked<Ports>(operation: Operation<Ports>, parsed: { success: boolean; data?: unknown; error?: { message: string } }): unknown {
  if (parsed.success) return parsed.data;
  throw new SeedError('internal', `${operation.name} answered what its definition does not allow: ${parsed.error?.message ?? ''}`);
}
