// A route that speaks as OpenAI's clients expect, through a real listener.
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDoor, send, TOKEN, type Door } from './fixture.ts';

let door: Door;
beforeAll(async () => {
  door = await openDoor({ heartbeatMs: 40 });
});
afterAll(() => door[Symbol.asyncDispose]());

const talk = (body: unknown, headers: Record<string, string> = {}) => door.ask('POST', '/v1/talk', { body, headers });

test('without a stream the body is the answer', async () => {
  const reply = await talk({ messages: [{ role: 'user', content: 'hello' }], prompt: 'there' });
  expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json']);
  expect(reply.json()).toEqual({ id: 'talk-1', text: 'hello there' });
});

test('a stream is data alone and ends with [DONE], whatever is accepted', async () => {
  for (const accept of ['application/json', 'text/event-stream', '*/*']) {
    const reply = await talk({ stream: true, prompt: 'hello' }, { accept });
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'text/event-stream']);
    expect(reply.text).toBe(
      'data: {"model":"rose","choices":[{"delta":{"content":"hello"}}]}\n\ndata: {"choices":[],"usage":{"total_tokens":1}}\n\ndata: [DONE]\n\n',
    );
  }
});

test('an error has the members that they look for, and ours', async () => {
  const tired = await talk({ failAt: 0, fail_at: 0, stream: true });
  expect([tired.status, tired.json()]).toEqual([
    400,
    {
      error: {
        message: 'failAt: there is no such member; did you mean fail_at?',
        type: 'invalid_request_error',
        param: 'failAt',
        code: 'invalid_input',
        details: [{ path: 'failAt', message: 'there is no such member; did you mean fail_at?' }],
        hint: 'what it takes: seed help pots:talk',
      },
    },
  ]);
  const limited = await talk({ fail_at: 0, stream: true });
  expect([limited.status, limited.headers['retry-after'], limited.json()]).toEqual([
    429,
    '2',
    { error: { message: 'the rose is tired', type: 'rate_limit_error', param: null, code: 'rate_limited', hint: 'let it rest' } },
  ]);
  const stranger = await door.ask('POST', '/v1/talk', { body: {}, stranger: true });
  expect([stranger.status, stranger.json()]).toMatchObject([401, { error: { type: 'authentication_error', code: 'unauthenticated' } }]);
  expect(await talk({}, { authorization: 'Bearer visitor' })).toMatchObject({ status: 403 });
  expect((await talk('{')).json()).toMatchObject({ error: { type: 'invalid_request_error', code: 'bad_request' } });
});

test('what fails on the way is told in the stream', async () => {
  const { text: told } = await talk({ stream: true, messages: [{ content: 'I' }, { content: 'am' }], fail_at: 2 });
  expect(told).toBe(
    'data: {"model":"rose","choices":[{"delta":{"content":"I"}}]}\n\ndata: {"error":{"message":"the rose has withered","type":"server_error","param":null,"code":"unavailable","hint":"water it"}}\n\n',
  );
});

test('who leaves in the middle ends it', async () => {
  const leaving = new AbortController();
  const response = await send(
    {
      port: door.port,
      method: 'POST',
      path: '/v1/talk',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      signal: leaving.signal,
    },
    JSON.stringify({ stream: true, messages: [{ content: 'listen' }, { content: 'silence' }] }),
  );
  const read = text(response).catch(() => 'gone');
  while (door.ports.watching === 0) await new Promise((resolve) => setImmediate(resolve));
  leaving.abort();
  expect(await read).toBe('gone');
  while (door.ports.watching > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('the activity names what was asked of, never what was said', async () => {
  door.entries.length = 0;
  await talk({ prompt: 'between us', plant: 'fern' });
  expect(door.entries.map(({ operation, target }) => [operation, target])).toEqual([['pots:talk', 'fern']]);
});
