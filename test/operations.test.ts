// Every operation of the program, held against the rules that no type can say.
import { expect, test } from 'vitest';
import { operations } from '#domains/index.ts';
import { checkOperation } from '#operation/check.ts';
import { openApi } from '#operation/openapi.ts';
import { createRegistry } from '#operation/registry.ts';
import { routesOf } from '#operation/routes.ts';

test('the definitions are sound', () => {
  expect(operations.length).toBeGreaterThan(40);
  expect(operations.flatMap((operation) => checkOperation(operation))).toEqual([]);
});

test('every name is one, and every route can be reached', () => {
  const all = createRegistry(operations).list();
  expect(routesOf(all)).toHaveLength(all.filter(({ http }) => http !== null).length);
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
