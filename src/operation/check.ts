// What no type can say about a definition. Run over the whole registry in tests, and for every definition that comes from outside.
import { z } from 'zod';
import type { Operation } from './operation.ts';
import { pathMembers } from './routes.ts';
import { inputJsonSchema, outputJsonSchema, schemasOf, type JsonSchema } from './schema.ts';
import { snakeCase } from './wire.ts';

/** Everything that is wrong with a definition, as sentences; empty when it is sound. */
export function checkOperation<Ports>(operation: Operation<Ports>): readonly string[] {
  return [...wording(operation), ...members(operation), ...bindings(operation), ...shapes(operation), ...examples(operation)].map(
    (problem) => `${operation.name}: ${problem}`,
  );
}

function* wording<Ports>({ summary, examples: shown }: Operation<Ports>): Generator<string> {
  if (!/^\S.{4,118}[^.\s]$/.test(summary)) yield 'the summary is one line of 6 to 120 characters without a stop';
  if (/^[A-Z][a-z]/.test(summary)) yield 'the summary starts in lower case';
  if (shown.length === 0) yield 'there is no example';
}

function* members<Ports>(operation: Operation<Ports>): Generator<string> {
  for (const name of Object.keys(operation.input.shape)) {
    if (!/^[a-z][A-Za-z0-9]*$/.test(name)) yield `the member ${name} is not in camelCase`;
    if (/[A-Z]{2}/.test(name)) yield `the member ${name} would be ${snakeCase(name)} on the wire`;
    if (RESERVED.has(name)) yield `the member ${name} is a flag of every operation`;
  }
  if (operation.list !== undefined) {
    const { fields, search, defaultSort } = operation.list;
    const shown = operation.output instanceof z.ZodObject ? Object.keys(operation.output.shape) : [];
    for (const field of search) if (!shown.includes(field)) yield `the search looks into ${field}, which no item has`;
    if (!Object.hasOwn(fields, defaultSort)) yield `the list is ordered by ${defaultSort}, which is not one of its fields`;
  }
  if (operation.list !== undefined && operation.stream === true) yield 'it lists and streams at once';
}

/** Flags that the surfaces keep for themselves. */
const RESERVED = new Set(['dryRun', 'confirm', 'output', 'quiet', 'verbose', 'batch', 'interactive', 'help']);

function* bindings<Ports>(operation: Operation<Ports>): Generator<string> {
  const { http, cli, kind, input, list } = operation;
  const known = new Set(Object.keys(schemasOf(operation).input.shape));
  if (kind === 'local' && http !== null) yield 'a local operation has no route';
  if (http !== null) {
    if (http.public === true && kind !== 'read') yield 'only what reads may be public';
    if (kind === 'dangerous' && http.method === 'GET') yield 'what is dangerous is not a GET';
    for (const member of pathMembers(http.path)) {
      if (!Object.hasOwn(input.shape, member)) yield `the path names ${member}, which is not a member of the input`;
      else if (isOptional(input.shape[member] as z.ZodType)) yield `${member} stands in the path and is optional, without a default`;
    }
  }
  const named = [
    ...(cli?.positionals ?? []),
    ...Object.keys(cli?.short ?? {}),
    ...Object.keys(cli?.upload ?? {}),
    ...Object.values(cli?.flagAliases ?? {}),
    ...(cli?.follow === undefined ? [] : [cli.follow]),
  ];
  for (const member of named) if (!known.has(member)) yield `the command line names ${member}, which is not a member of the input`;
  for (const member of operation.target ?? [])
    if (!known.has(member)) yield `the target names ${member}, which is not a member of the input`;
  if (cli?.verdict !== undefined && !(operation.output instanceof z.ZodObject && Object.hasOwn(operation.output.shape, cli.verdict))) {
    yield `the command line names the verdict ${cli.verdict}, which is not a member of the output`;
  }
  for (const { member } of cli?.texts ?? []) {
    if (!(operation.output instanceof z.ZodObject && Object.hasOwn(operation.output.shape, member)))
      yield `the command line shows ${member}, which is not a member of the output`;
  }
  const letters = Object.values(cli?.short ?? {});
  if (new Set(letters).size !== letters.length) yield 'one letter stands for two members';
  if (list !== undefined && http !== null && http.method !== 'GET') yield 'a list is a GET';
}

/** Inputs are flat: scalars, lists of scalars, JSON values, records of them; one level deeper only where it is an object of those. */
function* shapes<Ports>(operation: Operation<Ports>): Generator<string> {
  let input: JsonSchema;
  try {
    input = inputJsonSchema(operation);
    outputJsonSchema(operation);
  } catch (error) {
    yield `JSON Schema can not say it: ${(error as Error).message}`;
    return;
  }
  for (const [name, schema] of Object.entries((input['properties'] ?? {}) as Record<string, JsonSchema>)) {
    const depth = depthOf(schema, input, new Set());
    if (depth > 2) yield `the member ${name} is nested too deep for a flag: take a JSON value, or a level away`;
  }
}

/** 0 scalar or any JSON, 1 list or object of those, … */
function depthOf(schema: JsonSchema, root: JsonSchema, visited: ReadonlySet<string>): number {
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    // A schema that contains itself is any JSON of some kind: given as one JSON value.
    if (visited.has(reference)) return 0;
    const target = (root['$defs'] as Record<string, JsonSchema> | undefined)?.[reference.replace('#/$defs/', '')] ?? {};
    const inside = depthOf(target, root, new Set([...visited, reference]));
    return JSON.stringify(target).includes(reference) ? 0 : inside;
  }
  const options = (schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf'] ?? []) as readonly JsonSchema[];
  const below = [
    ...Object.values((schema['properties'] ?? {}) as Record<string, JsonSchema>),
    ...[schema['items'], schema['additionalProperties']].filter((part): part is JsonSchema => part !== null && typeof part === 'object'),
  ];
  const nested = schema['type'] === 'array' || schema['type'] === 'object' ? 1 : 0;
  const deepest = below.map((part) => nested + depthOf(part, root, visited));
  return Math.max(nested, ...deepest, ...options.map((option) => depthOf(option, root, visited)));
}

function* examples<Ports>(operation: Operation<Ports>): Generator<string> {
  const upload = Object.keys(operation.cli?.upload ?? {});
  // An example names a file; what is sent is its content.
  const schema = schemasOf(operation).input.extend(Object.fromEntries(upload.map((member) => [member, z.string().optional()])));
  for (const { summary, input } of operation.examples) {
    const own = Object.fromEntries(Object.entries(input).filter(([member]) => !RESERVED.has(member)));
    const parsed = schema.safeParse(own);
    if (!parsed.success) yield `the example ${JSON.stringify(summary)} is refused: ${z.prettifyError(parsed.error)}`;
  }
}

/** With a default it can be left out on the command line, which then fills it into the path. */
function isOptional(schema: z.ZodType): boolean {
  const parsed = schema.safeParse(undefined);
  return parsed.success && parsed.data === undefined;
}
