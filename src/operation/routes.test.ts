import { expect, test } from 'vitest';
import { z } from 'zod';
import { operation, type HttpMethod } from './operation.ts';
import { routesOf, wireRoute } from './routes.ts';

let count = 0;
const at = (path: string, method: HttpMethod = 'GET') =>
  operation({
    name: `routes:r${(count += 1)}`,
    summary: 'a route',
    kind: 'read',
    permission: { resource: 'routes', action: 'read' },
    input: z.object({}),
    output: z.object({}),
    http: { method, path },
    examples: [],
    handler: async () => () => ({}),
  });
const order = (...paths: string[]): string[] => routesOf(paths.map((path) => at(path))).map(({ path }) => path);

test('static segments come before parameters, at every place', () => {
  expect(order('/a/:x', '/a/b', '/:y/b', '/a/:x/c', '/a/b/:z', '/a')).toEqual(['/a', '/a/b', '/a/b/:z', '/a/:x', '/a/:x/c', '/:y/b']);
});

test.each([[['/a/:x', '/a/:y']], [['/a/b', '/a/b']]])('%j: one hides the other', (paths) => {
  expect(() => order(...paths)).toThrow(/is hidden by/);
});

test('the same path with two methods is two routes', () => {
  expect(routesOf([at('/a'), at('/a', 'POST')])).toHaveLength(2);
});

test('what the surface keeps for itself can not be taken', () => {
  expect(() => routesOf([at('/sign-in')], ['/sign-in'])).toThrow(/is hidden by \/sign-in/);
  expect(() => routesOf([at('/:page')], ['/sign-in'])).toThrow(/is hidden by \/sign-in/);
});

test.each(['a', '/a b', '/a/*', '/a/:x{[0-9]+}', '/a//b', '/a/:x?'])('%j is no path', (path) => {
  expect(() => routesOf([at(path)])).toThrow(/can not be read/);
});

test('as callers know it', () => {
  expect(wireRoute('/api/pots/:potId/x/:id')).toBe('/api/pots/{pot_id}/x/{id}');
});
