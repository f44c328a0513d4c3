import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDoor, send, TOKEN, type Door } from './fixture.ts';
import { MAX_JSON_DEPTH } from './body.ts';

let door: Door;
beforeAll(async () => {
  door = await openDoor({ maxBodyBytes: 2_000 });
});
afterAll(() => door[Symbol.asyncDispose]());

describe('envelopes', () => {
  test('{data} in wire names', async () => {
    const reply = await door.ask('GET', '/api/pots/p2');
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({
      data: { pot_id: 'p2', plant: 'fern', height_cm: 20, sown: '2026-02-01T00:00:00.000Z', in_bloom: false },
    });
  });

  test('{data, page_info}, with the query coerced', async () => {
    const reply = await door.ask(
      'GET',
      '/api/pots?limit=1&page=2&sort=height_cm&order=desc&filter=height_cm%3E10&filter=in_bloom=false&min_height_cm=5',
    );
    expect(reply.json()).toMatchObject({ data: [{ pot_id: 'p2' }], page_info: { page: 2, limit: 1, total: 2, has_next: false } });
  });

  test('the status of the definition, and the body without an envelope where it says so', async () => {
    expect((await door.ask('POST', '/api/pots', { body: { pot_id: 'p50', plant: 'ivy' } })).status).toBe(201);
    const reply = await door.ask('POST', '/api/pots/p1/echo', { body: { input: { aB: [1, { c_d: null }] }, call_key: 'k' } });
    expect(reply.json()).toEqual({
      data: { aB: [1, { c_d: null }] },
      call_id: reply.headers['x-request-id'],
      version: 1,
      duration_ms: 0.25,
      recorded: true,
    });
    const metrics = await door.ask('GET', '/metrics');
    expect([metrics.headers['content-type'], metrics.text]).toEqual([
      'text/plain; version=0.0.4; charset=utf-8',
      `pots ${door.ports.pots.size}\n`,
    ]);
  });

  test('errors with their status, code, details and hint, and Retry-After', async () => {
    const reply = await door.ask('POST', '/api/pots', { body: { pot_id: 'p9', plnat: 'ivy' } });
    expect(reply.status).toBe(422);
    expect(reply.json()).toMatchObject({
      code: 'invalid_input',
      details: [
        { path: 'plnat', message: 'there is no such member; did you mean plant?' },
        { path: 'plant', message: 'is missing' },
      ],
    });
    const busy = await door.ask('POST', '/api/pots/broken', { body: { way: 'coded' } });
    expect([busy.status, busy.headers['retry-after'], busy.json()]).toEqual([503, '3', { error: 'the shed is full', code: 'queue_full' }]);
  });

  test('a bug shows its request id and nothing else; the operator gets the cause', async () => {
    const reply = await door.ask('POST', '/api/pots/broken', { body: { way: 'throw' }, headers: { 'x-request-id': 'request-77' } });
    expect(reply.status).toBe(500);
    expect(reply.text).not.toContain('1234');
    expect([reply.headers['x-request-id'], reply.json()['code']]).toEqual(['request-77', 'internal']);
    expect(door.problems.at(-1)).toMatchObject({ requestId: 'request-77' });
  });
});

describe('requests', () => {
  test('an id that could break a log line is replaced', async () => {
    const reply = await door.ask('GET', '/api/pots/p1', { headers: { 'x-request-id': 'a b"c' } });
    expect(reply.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('confirmation is a header, never a member of the body or the query', async () => {
    expect((await door.ask('DELETE', '/api/pots/p3')).status).toBe(428);
    expect((await door.ask('DELETE', '/api/pots/p3?confirm=true')).status).toBe(422);
    expect((await door.ask('DELETE', '/api/pots/p3', { headers: { 'x-confirm': 'pots:plant' } })).json()).toMatchObject({
      code: 'confirmation_required',
      details: { confirm: 'pots:smash' },
    });
    expect(door.ports.pots.has('p3')).toBe(true);
    expect((await door.ask('DELETE', '/api/pots/p3?force=false', { headers: { 'x-confirm': 'pots:smash' } })).json()).toEqual({
      data: { smashed: true },
    });
  });

  test.each([
    ['header', '/api/pots', { 'x-dry-run': 'true' }],
    ['query', '/api/pots?dry_run=true', {}],
  ])('a dry run by %s changes nothing', async (_, path, headers) => {
    const reply = await door.ask('POST', path, { body: { pot_id: 'p60', plant: 'ivy' }, headers });
    expect(reply.json()).toMatchObject({ data: { pot_id: 'p60', applied: false } });
    expect(door.ports.pots.has('p60')).toBe(false);
  });

  test('a dry run that is spelt wrong is not taken for a real one', async () => {
    const reply = await door.ask('POST', '/api/pots', { body: { pot_id: 'p61', plant: 'ivy' }, headers: { 'x-dry-run': 'yes' } });
    expect([reply.status, door.ports.pots.has('p61')]).toEqual([400, false]);
  });

  test('a member in two places is refused', async () => {
    expect((await door.ask('POST', '/api/pots/p1/echo', { body: { pot_id: 'p2', input: 1 } })).status).toBe(400);
    expect((await door.ask('GET', '/api/pots/p1?pot_id=p2')).status).toBe(400);
    expect((await door.ask('POST', '/api/pots/p1/echo?input=2', { body: { input: 1 } })).status).toBe(400);
  });

  test('an unknown member of the query is refused, and a scalar given twice', async () => {
    expect((await door.ask('GET', '/api/pots?hight=2')).json()).toMatchObject({ code: 'invalid_input', details: [{ path: 'hight' }] });
    expect((await door.ask('GET', '/api/pots?page=2&page=3')).json()).toMatchObject({ details: [{ path: 'page' }] });
    expect((await door.ask('GET', '/api/pots?__proto__=2&constructor=3')).status).toBe(422);
  });

  test('a path is decoded, and checked like any other member', async () => {
    expect((await door.ask('GET', '/api/pots/%2e%2e%2fetc')).json()).toMatchObject({
      code: 'invalid_input',
      details: [{ path: 'pot_id' }],
    });
    expect((await door.ask('GET', '/api/pots/%ff%zz')).status).toBe(422);
  });

  test('HEAD answers as GET does, without a body', async () => {
    const [head, get] = [await door.ask('HEAD', '/api/pots/p1'), await door.ask('GET', '/api/pots/p1')];
    expect([head.status, head.text, head.headers['content-type']]).toEqual([200, '', get.headers['content-type']]);
  });
});

describe('bodies', () => {
  const plant = (headers: Record<string, string>, body: string) => door.ask('POST', '/api/pots', { headers, body });

  test.each([
    ['text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['almost JSON', { 'content-type': 'application/jsonx' }],
    ['compressed', { 'content-encoding': 'gzip' }],
  ])('%s is 415', async (_, headers) => {
    expect((await plant(headers, '{"pot_id":"p70","plant":"ivy"}')).status).toBe(415);
  });

  test.each(['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/merge-patch+json'])('%s is read', async (type) => {
    expect((await plant({ 'content-type': type }, '{"pot_id":"x","plant":"ivy"}')).status).toBe(422);
  });

  test.each(['{"pot_id":', 'undefined', '{"a":1}}', "{'a':1}"])('%s is 400', async (body) => {
    expect((await plant({}, body)).json()).toMatchObject({ code: 'bad_request' });
  });

  test.each(['[]', 'null', '7', '"text"'])('%s is no object: 422', async (body) => {
    expect((await plant({}, body)).status).toBe(422);
  });

  test('an empty one is an empty object', async () => {
    expect((await door.ask('POST', '/api/pots')).json()).toMatchObject({ details: [{ path: 'pot_id' }, { path: 'plant' }] });
  });

  test('what is not UTF-8 is 400', async () => {
    const response = await send(
      {
        port: door.port,
        method: 'POST',
        path: '/api/pots',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      },
      Buffer.from([0x22, 0xff, 0xfe, 0x22]),
    );
    expect(response.resume().statusCode).toBe(400);
  });

  test('deeper than the limit is 400, as deep as it is read, brackets in strings do not count', async () => {
    const nested = (depth: number): string =>
      `{"pot_id":"p1","input":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`.replace('"pot_id":"p1",', '');
    expect((await door.ask('POST', '/api/pots/p1/echo', { body: nested(MAX_JSON_DEPTH) })).status).toBe(200);
    expect((await door.ask('POST', '/api/pots/p1/echo', { body: nested(MAX_JSON_DEPTH + 1) })).json()).toMatchObject({
      code: 'bad_request',
    });
    expect((await door.ask('POST', '/api/pots/p1/echo', { body: { input: `\\"${'['.repeat(200)}` } })).status).toBe(200);
  });

  test('larger than the limit is 413: announced', async () => {
    const reply = await door.ask('POST', '/api/pots/p1/echo', { body: { input: 'x'.repeat(3_000) } });
    expect([reply.status, reply.json()['code'], reply.headers['connection']]).toEqual([413, 'payload_too_large', 'close']);
  });

  test('larger than the limit is 413: in pieces, without a length', async () => {
    const response = await send(
      {
        port: door.port,
        method: 'POST',
        path: '/api/pots/p1/echo',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      },
      JSON.stringify({ input: 'x'.repeat(3_000) }),
    );
    expect(response.resume().statusCode).toBe(413);
  });
});

test('who sends far more than the limit is told, and not cut off', async () => {
  const body = JSON.stringify({ input: 'x'.repeat(20_000_000) });
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${door.port}/api/pots/p1/echo`, { method: 'POST', headers, body });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([413, 'payload_too_large']);
});

test('what is announced as endless is not waited for', async () => {
  const { status, headers } = await door.ask('POST', '/api/pots/p1/echo', { body: '', headers: { 'content-length': '99999999999' } });
  expect([status, headers['connection']]).toEqual([413, 'close']);
});

describe('paths that nobody has', () => {
  test('404 with the nearest route, placeholders filled in mind', async () => {
    expect((await door.ask('POST', '/api/pot/p1/echo')).json()).toMatchObject({
      code: 'not_found',
      hint: 'did you mean POST /api/pots/{pot_id}/echo?',
    });
    expect((await door.ask('GET', '/api/pots/')).status).toBe(404);
    expect((await door.ask('GET', '/nothing/like/it/at/all')).json()).toMatchObject({ hint: '/openapi.json lists all routes' });
  });

  test('405 with what is allowed', async () => {
    const reply = await door.ask('PUT', '/api/pots/p1');
    expect([reply.status, reply.headers['allow'], reply.json()['code']]).toEqual([405, 'DELETE, GET, HEAD, OPTIONS', 'method_not_allowed']);
    expect((await door.ask('HEAD', '/api/pots/p1/echo')).status).toBe(405);
  });

  test('OPTIONS says what is allowed and grants nothing to other sites', async () => {
    const reply = await door.ask('OPTIONS', '/api/pots');
    expect([reply.status, reply.headers['allow'], reply.text]).toEqual([204, 'GET, POST, HEAD, OPTIONS', '']);
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('a stranger does not learn which there are', async () => {
    expect((await door.ask('GET', '/api/potz', { stranger: true })).status).toBe(401);
    expect((await door.ask('OPTIONS', '/api/pots', { stranger: true })).status).toBe(401);
  });
});

test('operations that come and go have routes while they are there', async () => {
  const watch = door.registry.get('pots:watch');
  const extra = { ...watch, name: 'pots:look', stream: false, http: { method: 'GET' as const, path: '/api/look/:potId' } };
  expect((await door.ask('GET', '/api/look/p1')).status).toBe(404);
  door.registry.add({
    ...extra,
    output: door.registry.get('pots:get').output,
    handler: door.registry.get('pots:get').handler,
    input: door.registry.get('pots:get').input,
  });
  expect((await door.ask('GET', '/api/look/p1')).status).toBe(200);
  door.registry.remove('pots:look');
  expect((await door.ask('GET', '/api/look/p1')).status).toBe(404);
});

test('an operation whose route is taken is refused, and everything is as before', async () => {
  const twin = { ...door.registry.get('pots:get'), name: 'pots:twin', aliases: [] };
  expect(() => door.registry.add(twin)).toThrow(/is hidden by/);
  expect(door.registry.find('pots:twin')).toBeUndefined();
  expect((await door.ask('GET', '/api/pots/p1')).status).toBe(200);
});
