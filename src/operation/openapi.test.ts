import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { gardenOperations, type GardenPorts } from './fixture.ts';
import { openApi } from './openapi.ts';
import { operation, type Operation } from './operation.ts';
import { pathMembers } from './routes.ts';
import { snakeCase } from './wire.ts';

type Json = Record<string, unknown>;
interface Described {
  operationId: string;
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, Json>;
}

interface Tree {
  treeName: string;
  subTrees?: Tree[] | undefined;
}
const tree: z.ZodType<Tree> = z.lazy(() => z.object({ treeName: z.string(), subTrees: z.array(tree).optional() }));
const recursive = operation({
  name: 'pots:tree',
  summary: 'something that contains itself',
  kind: 'read',
  permission: { resource: 'pots', action: 'read' },
  input: z.object({ potId: z.string(), anyThing: z.json().optional() }),
  output: tree,
  http: { method: 'POST', path: '/api/pots/:potId/tree' },
  examples: [{ summary: 'x', input: { potId: 'p1' } }],
  handler: async () => () => ({ treeName: 'x' }),
});
const operations: readonly Operation<GardenPorts>[] = [...gardenOperations, recursive];
const document = openApi(operations, { version: '1.2.3' });
const paths = document['paths'] as Record<string, Record<string, Described>>;

describe('the document', () => {
  test('has every operation that is reachable, once, and no other', () => {
    const described = Object.values(paths).flatMap((methods) =>
      Object.values(methods).map((one) => (one as unknown as Json)['x-operation']),
    );
    const reachable = operations.filter(({ http }) => http !== null).map(({ name }) => name);
    expect([described.length, new Set(described)]).toEqual([reachable.length, new Set(reachable)]);
    const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[a-z0-9_]+$/.test(id))).toBe(true);
  });

  test('declares what stands in each path, and puts every member in exactly one place', () => {
    for (const { http, input, list } of operations) {
      if (http === null) continue;
      const wire = http.path.replace(/:(\w+)/g, (_, name: string) => `{${snakeCase(name)}}`);
      const described = paths[wire]?.[http.method.toLowerCase()];
      expect(described).toBeDefined();
      const inPath = described?.parameters.filter((one) => one.in === 'path') ?? [];
      expect(inPath.map(({ name, required }) => [name, required])).toEqual(pathMembers(http.path).map((name) => [snakeCase(name), true]));
      const inQuery = described?.parameters.filter((one) => one.in === 'query' && one.name !== 'dry_run') ?? [];
      const inBody = Object.keys(described?.requestBody?.content['application/json']?.schema['properties'] ?? {});
      const pageMembers = list === undefined ? [] : ['page', 'limit', 'filter', 'search', 'sort', 'order'];
      const members = [...inPath, ...inQuery].map(({ name }) => name).concat(inBody);
      expect(members.toSorted()).toEqual([...Object.keys(input.shape).map(snakeCase), ...pageMembers].toSorted());
    }
  });

  test('has only references that lead somewhere, and schemas that are schemas', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    let count = 0;
    const visit = (value: unknown): void => {
      if (value === null || typeof value !== 'object') return;
      for (const [key, below] of Object.entries(value)) {
        if (key === '$ref') {
          const parts = String(below).replace('#/', '').split('/');
          const target = parts.reduce<unknown>((at, part) => (at as Json | undefined)?.[part], document);
          expect({ below, found: target !== undefined }).toEqual({ below, found: true });
        }
        if (key === 'schema' || key === 'x-item') {
          count += 1;
          expect(() => ajv.compile({ ...(below as Json), components: document['components'] })).not.toThrow();
        }
        visit(below);
      }
    };
    visit(document);
    expect(count).toBeGreaterThan(20);
  });

  test('says what is dangerous, public, streamed, listed and raw', () => {
    const smash = paths['/api/pots/{pot_id}']?.['delete'];
    expect(smash?.parameters).toContainEqual({ name: 'X-Confirm', in: 'header', required: true, schema: { const: 'pots:smash' } });
    expect(paths['/health/deep']?.['get']).toMatchObject({ security: [{}, { bearer: [] }] });
    expect(paths['/api/pots/{pot_id}/events']?.['get']?.responses['200']).toMatchObject({
      content: { 'text/event-stream': { 'x-item': { type: 'object' } } },
    });
    expect(paths['/api/pots']?.['get']?.responses['200']).toMatchObject({
      content: {
        'application/json': { schema: { properties: { data: { type: 'array' }, page_info: {} }, required: ['data', 'page_info'] } },
      },
    });
    expect(Object.keys((paths['/metrics']?.['get']?.responses['200']?.['content'] ?? {}) as Json)).toEqual([
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    expect(Object.keys(paths['/api/pots']?.['post']?.responses ?? {})).toEqual(['201', 'default']);
  });

  test('is the same for the same definitions', () => {
    expect(JSON.stringify(openApi(operations, { version: '1.2.3' }))).toBe(JSON.stringify(document));
  });
});
