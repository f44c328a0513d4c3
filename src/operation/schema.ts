// What is derived from a definition's schemas, once per operation and only when somebody asks.
import { z } from 'zod';
import type { Operation } from './operation.ts';
import { pageInfoSchema, pageShape } from './page.ts';
import { namesOf, wireJsonSchema, type Names } from './wire.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Everything a surface needs to read an input and to show an output. */
export interface OperationSchemas {
  /** The whole input: with the members of a list, without room for others. */
  input: z.ZodObject;
  /** Of one answer: a page where the operation lists, one item where it streams. */
  output: z.ZodType;
  /** Of a dry run's answer: `applied: false`, and whatever of the output the plan can already say. */
  plan: z.ZodType;
  inputNames: Names;
  outputNames: Names;
}

const derived = new WeakMap<Operation<never>, OperationSchemas>();
const jsonInputs = new WeakMap<Operation<never>, JsonSchema>();
const jsonOutputs = new WeakMap<Operation<never>, JsonSchema>();

const planSchema = z.looseObject({ applied: z.literal(false) });

export function schemasOf<Ports>(operation: Operation<Ports>): OperationSchemas {
  const known = derived.get(operation);
  if (known !== undefined) return known;
  const whole = operation.list === undefined ? operation.input : operation.input.safeExtend(pageShape(operation.list));
  const input = whole.strict();
  const output = operation.list === undefined ? operation.output : z.object({ items: z.array(operation.output), pageInfo: pageInfoSchema });
  const schemas = {
    input,
    output,
    plan: planSchema,
    inputNames: namesOf(input, 'input'),
    outputNames: namesOf(output, 'output'),
  };
  derived.set(operation, schemas);
  return schemas;
}

/** JSON Schema (2020-12) of the input, in wire names. @throws for a schema that JSON Schema can not say: see `checkOperation`. */
export function inputJsonSchema<Ports>(operation: Operation<Ports>): JsonSchema {
  return cached(jsonInputs, operation, () => jsonSchema(schemasOf(operation).input, 'input'));
}

/** JSON Schema (2020-12) of one item of the output (the whole output where it neither lists nor streams), in wire names. */
export function outputJsonSchema<Ports>(operation: Operation<Ports>): JsonSchema {
  return cached(jsonOutputs, operation, () => jsonSchema(operation.output, 'output'));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...rest } = wireJsonSchema(z.toJSONSchema(schema, { io, target: 'draft-2020-12' })) as Record<string, unknown>;
  return rest;
}

function cached<Ports>(cache: WeakMap<Operation<never>, JsonSchema>, operation: Operation<Ports>, make: () => JsonSchema): JsonSchema {
  const known = cache.get(operation);
  if (known !== undefined) return known;
  const made = make();
  cache.set(operation, made);
  return made;
}
