// Whatever is sent to whatever operation: an answer in the agreed form, and never a failure of the node itself.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ERROR_CODES } from '#lib/error.ts';
import type { Operation } from '#operation/operation.ts';
import { pathMembers } from '#operation/routes.ts';
import { snakeCase } from '#operation/wire.ts';
import { openDoor, type Door } from './fixture.ts';
import type { GardenPorts } from '#operation/fixture.ts';

let door: Door;
let operations: readonly Operation<GardenPorts>[];
beforeAll(async () => {
  door = await openDoor({ maxBodyBytes: 20_000 });
  operations = door.registry.list().filter(({ http }) => http !== null);
});
afterAll(() => door[Symbol.asyncDispose]());

// The fixture's own bugs and refusals that are not about the input.
const EXPECTED: Readonly<Record<string, readonly number[]>> = { 'pots:broken': [500, 503, 507], 'garden:health': [503] };

const OTHERS = ['page', 'limit', 'filter', 'sort', 'order', 'search', '__proto__', 'constructor', 'toString', 'x'];

const json = fc.jsonValue({ maxDepth: 4 });
const segment = fc.oneof(
  fc.constantFrom('p1', 'p2', 'p77', '..', '%', '%00', '__proto__'),
  fc.string({ minLength: 1, maxLength: 12 }).map(encodeURIComponent),
);
const text = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.integer().map(String),
  json.map((value) => JSON.stringify(value)),
);

/** A stream of two thousand million events is an answer too, but not one to wait for. */
const endsSoon = ([name, value]: [string, string]): boolean =>
  !(name === 'until' && Number(value) > 100) && !(name.startsWith('delay') && Number(value) > 10);

test('random input to every operation', async () => {
  const member = fc.constantFrom(
    ...new Set(operations.flatMap(({ input }) => Object.keys(input.shape).flatMap((name) => [name, snakeCase(name)]))),
    ...OTHERS,
  );
  const request = fc.record({
    index: fc.nat({ max: operations.length - 1 }),
    segments: fc.array(segment, { minLength: 3, maxLength: 3 }),
    query: fc.array(fc.tuple(member, text), { maxLength: 4 }),
    body: fc.oneof(fc.dictionary(member, json, { maxKeys: 6 }), json),
    confirm: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(request, async ({ index, segments, query, body, confirm }) => {
      const operation = operations[index];
      if (operation?.http === null || operation === undefined) return;
      const { method, path } = operation.http;
      const filled = pathMembers(path).reduce((at, name, place) => at.replace(`:${name}`, segments[place] ?? 'p1'), path);
      const search = query
        .filter(endsSoon)
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
        .join('&');
      const reply = await door.ask(method, `${filled}${search === '' ? '' : `?${search}`}`, {
        ...(method === 'GET' || method === 'DELETE' ? {} : { body }),
        headers: confirm ? { 'x-confirm': operation.name } : {},
      });
      if (reply.status >= 500)
        expect({ expected: EXPECTED[operation.name] ?? [], filled, text: reply.text }).toMatchObject({
          expected: expect.arrayContaining([reply.status]) as number[],
        });
      if (reply.status >= 400 && operation.name !== 'garden:health') {
        const told = reply.json();
        const { code, error } = operation.http.dialect === 'openai' ? inOurWords(told) : told;
        expect([Object.hasOwn(ERROR_CODES, String(code)), typeof error]).toEqual([true, 'string']);
      }
      expect(reply.headers['x-request-id']).toBeDefined();
    }),
    { numRuns: 400 },
  );
  expect(door.problems.filter(({ operation }) => operation !== 'pots:broken')).toEqual([]);
}, 60_000);

function inOurWords({ error }: Record<string, unknown>): Record<string, unknown> {
  const { code, message } = error as Record<string, unknown>;
  return { code, error: message };
}

test('random bytes as a body', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (body) => {
      const { status } = await door.ask('POST', '/api/pots', { body });
      expect([400, 422]).toContain(status);
    }),
    { numRuns: 100 },
  );
});
