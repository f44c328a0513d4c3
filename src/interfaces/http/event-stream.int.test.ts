import { setTimeout as sleep } from 'node:timers/promises';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDoor, type Door } from './fixture.ts';

let door: Door;
beforeAll(async () => {
  door = await openDoor({ heartbeatMs: 40 });
});
afterAll(() => door[Symbol.asyncDispose]());

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await sleep(5);
};
const follow = (response: IncomingMessage): { text: string } => {
  const seen = { text: '' };
  response.setEncoding('utf8').on('data', (chunk: string) => (seen.text += chunk));
  return seen;
};

test('one event an item, with its id, and an end', async () => {
  const response = await door.stream('/api/pots/p1/events?until=2');
  expect([response.statusCode, response.headers['content-type'], response.headers['cache-control']]).toEqual([
    200,
    'text/event-stream',
    'no-store, no-transform',
  ]);
  expect(await text(response)).toBe(
    'id: 1\ndata: {"seq":1,"new_height_cm":11}\n\nid: 2\ndata: {"seq":2,"new_height_cm":12}\n\nevent: end\ndata: {}\n\n',
  );
});

test('resumes after Last-Event-ID', async () => {
  const response = await door.stream('/api/pots/p1/events?until=4', { headers: { 'last-event-id': '3' } });
  expect(await text(response)).toBe('id: 4\ndata: {"seq":4,"new_height_cm":14}\n\nevent: end\ndata: {}\n\n');
});

test('a failure on the way is an event, with its code', async () => {
  const seen = await text(await door.stream('/api/pots/p1/events?fail_at=2'));
  expect(seen).toBe(
    'id: 1\ndata: {"seq":1,"new_height_cm":11}\n\nevent: failed\ndata: {"error":"the pot fell over","code":"invalid_state"}\n\n',
  );
});

test('a failure before the first item is an answer with its status', async () => {
  expect((await door.stream('/api/pots/p404/events')).resume().statusCode).toBe(404);
  expect((await door.stream('/api/pots/p1/events?until=soon')).resume().statusCode).toBe(422);
});

test('signs of life while nothing happens', async () => {
  const response = await door.stream('/api/pots/p1/events?until=1&delay_ms=300');
  const seen = follow(response);
  await until(() => seen.text.includes('event: end'));
  expect(seen.text).toMatch(/^(: still here\n\n)+id: 1\n/);
});

test('a reader that leaves ends what feeds it', async () => {
  const leaving = new AbortController();
  const response = await door.stream('/api/pots/p1/events?until=1000000&delay_ms=1', { signal: leaving.signal });
  response.on('error', () => undefined);
  const seen = follow(response);
  await until(() => seen.text.includes('id: 3'));
  expect(door.ports.watching).toBe(1);
  leaving.abort();
  await until(() => door.ports.watching === 0);
});

test('a reader that leaves while nothing happens is noticed too', async () => {
  const [leaving, delayMs] = [new AbortController(), 1_000];
  const response = await door.stream(`/api/pots/p1/events?until=2&delay_ms=${delayMs}`, { signal: leaving.signal });
  response.on('error', () => undefined);
  await until(() => door.ports.watching === 1);
  leaving.abort();
  const startedMs = performance.now();
  await until(() => door.ports.watching === 0);
  // Long before the next item would have come.
  expect(performance.now() - startedMs).toBeLessThan(delayMs);
});

test('a reader that does not read holds the stream back', async () => {
  const response = await door.stream('/api/pots/p1/events?until=1000000');
  // Not a byte is taken: what is between us fills, and then nothing is made any more.
  let last = -1;
  let made = 0;
  await until(() => door.ports.watching === 1);
  response.pause();
  response.once('readable', () => undefined);
  for (let quiet = 0; quiet < 5;) {
    await sleep(40);
    made = response.socket.bytesRead;
    quiet = made === last ? quiet + 1 : 0;
    last = made;
  }
  expect(made).toBeGreaterThan(0);
  expect(door.ports.watching).toBe(1);
  response.destroy();
  await until(() => door.ports.watching === 0);
});

test('HEAD does not start it', async () => {
  const reply = await door.ask('HEAD', '/api/pots/p1/events');
  expect([reply.status, reply.headers['content-type'], door.ports.watching]).toEqual([200, 'text/event-stream', 0]);
});
