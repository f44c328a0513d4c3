// Every operation of the program, held against the rules that no type can say.
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { operations } from '#domains/index.ts';
import { checkOperation } from '#operation/check.ts';
import { openApi } from '#operation/openapi.ts';
import { createRegistry } from '#operation/registry.ts';
import { routesOf } from '#operation/routes.ts';
import { inputJsonSchema, outputJsonSchema } from '#operation/schema.ts';

test('the definitions are sound', () => {
  expect(operations.length).toBeGreaterThan(40);
  expect(operations.flatMap((operation) => checkOperation(operation))).toEqual([]);
});

test('every name is one, and every route can be reached', () => {
  const all = createRegistry(operations).list();
  expect(routesOf(all)).toHaveLength(all.filter(({ http }) => http !== null).length);
});

test('a key is taken by what looks at it', () => {
  expect(operations.filter(({ keyed }) => keyed === true).map(({ name }) => name)).toEqual(['agents:invoke']);
});

test('only health answers strangers', () => {
  const open = operations.filter(({ http }) => http?.public === true);
  expect(new Set(open.map(({ http }) => http?.path))).toEqual(new Set(['/health', '/health/deep']));
});

test('the document has every route', () => {
  const paths = openApi(operations, { version: '0' })['paths'] as Record<string, Record<string, unknown>>;
  expect(Object.values(paths).flatMap((methods) => Object.keys(methods))).toHaveLength(
    operations.filter(({ http }) => http !== null).length,
  );
});

/** What is open in an answer, each because it is somebody's own data: its names are not ours to change. */
const OPEN = new Map([
  ['agents:feedback expected', 'an answer of the agent'],
  ['agents:calls:get feedback.expected', 'the same'],
  ['agents:calls:get divergence.recorded.args', "the agent's"],
  ['agents:calls:get divergence.seen.args', "the agent's"],
  ['agents:calls:get input', "the agent's"],
  ['agents:calls:get journal.entries.args', "the agent's"],
  ['agents:calls:get journal.entries.value', 'what a capability gave'],
  ['agents:calls:get logs.fields', 'as they were logged'],
  ['agents:calls:get open.schema', 'JSON Schema'],
  ['agents:calls:get output', "the agent's"],
  ['agents:calls:replay differences.after', "of the agent's output"],
  ['agents:calls:replay differences.before', "of the agent's output"],
  ['agents:calls:replay divergence.recorded.args', "the agent's"],
  ['agents:calls:replay divergence.seen.args', "the agent's"],
  ['agents:calls:replay recorded.output', "the agent's"],
  ['agents:calls:replay replayed.output', "the agent's"],
  ['agents:config config', 'what was set'],
  ['agents:invoke data', "the agent's output"],
  ['agents:invoke open.schema', 'JSON Schema'],
  ['agents:logs fields', 'as they were logged'],
  ['agents:metrics metrics', 'what was reported'],
  ['agents:status config', 'what was set'],
  ['agents:status contract.examples.input', "the author's"],
  ['agents:status contract.examples.output', "the author's"],
  ['agents:status contract.exports.input', 'JSON Schema'],
  ['agents:status contract.exports.output', 'JSON Schema'],
  ['agents:status contract.state.schema', 'JSON Schema'],
  ['agents:status metrics', 'what was reported'],
  ...['approve', 'create', 'deny', 'get'].flatMap((action) => [
    [`approvals:${action} context`, "whoever's who asks"] as const,
    [`approvals:${action} modifiedPayload`, "whoever's who answers"] as const,
    [`approvals:${action} payload`, "whoever's who asks"] as const,
  ]),
  ['cli:list examples.input', 'of any operation'],
  ['cli:list flags.default', 'of any flag'],
  ['cli:list input', 'JSON Schema'],
  ['code:get manifest', 'to the letter what was signed'],
  ['code:validate stages.report.details', 'of any error'],
  ['database:query rows', 'columns of any table'],
  ['system:logs fields', 'as they were logged'],
]);

test('every answer says what is in it: nothing is open by accident, and so every name of ours is snake_case on the wire', () => {
  const open = operations.flatMap(({ name, output }) => [...openParts(output)].map((path) => [name, path].join(' ').trim()));
  expect(open.toSorted((a, b) => a.localeCompare(b))).toEqual([...OPEN.keys()].toSorted((a, b) => a.localeCompare(b)));
  const names = operations.flatMap((operation) => wireNames([inputJsonSchema(operation), outputJsonSchema(operation)]));
  expect(names.length).toBeGreaterThan(200);
  expect(names.filter((name) => !/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/.test(name))).toEqual([]);
});

interface Definition {
  type: string;
  shape?: Record<string, z.ZodType>;
  catchall?: z.ZodType;
  element?: z.ZodType;
  valueType?: z.ZodType;
  innerType?: z.ZodType;
  options?: readonly z.ZodType[];
}

/** Paths at which anything may stand. */
function* openParts(schema: z.ZodType, path = ''): Generator<string> {
  const { type, shape = {}, catchall, element, valueType, innerType, options = [] } = schema._zod.def as unknown as Definition;
  if (type === 'unknown' || type === 'any' || type === 'lazy') yield path;
  for (const [name, member] of Object.entries(shape)) yield* openParts(member, path === '' ? name : `${path}.${name}`);
  for (const below of [catchall, element, valueType, innerType, ...options]) if (below !== undefined) yield* openParts(below, path);
}

/** Names of members in JSON Schemas, and the fields that lists are ordered by. */
function wireNames(schema: unknown): string[] {
  if (schema === null || typeof schema !== 'object') return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(key === 'properties' && !Array.isArray(value) ? Object.keys(value as object) : []),
    ...(key === 'sort' ? (value as { enum: string[] }).enum : []),
    ...wireNames(value),
  ]);
}
