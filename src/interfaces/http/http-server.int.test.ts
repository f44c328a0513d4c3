import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { HttpServer } from './http-server.ts';
import { openDoor, replyOf, send, TOKEN } from './fixture.ts';

/** Looks until it holds; fails with the test's own time limit. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

describe('before the node is ready', () => {
  test('the port is bound, /health answers, everything else waits', async () => {
    await using door = await openDoor({ closed: true });
    expect((await door.ask('GET', '/health', { stranger: true })).json()).toEqual({ status: 'ok' });
    const deep = await door.ask('GET', '/health/deep', { stranger: true });
    expect([deep.status, deep.json()]).toEqual([503, { status: 'starting' }]);
    for (const path of ['/api/pots', '/sign-in/link-1', '/openapi.json', '/nowhere', '/']) {
      const reply = await door.ask('GET', path);
      expect([reply.status, reply.headers['retry-after'], reply.json()['code']]).toEqual([503, '1', 'unavailable']);
    }
    door.open();
    expect((await door.ask('GET', '/api/pots')).status).toBe(200);
  });

  test('two operations on one route are refused', async () => {
    await using door = await openDoor({ closed: true });
    door.registry.add({ ...door.registry.get('pots:get'), name: 'pots:twin', aliases: [] });
    expect(() => door.open()).toThrow(/pots:twin is hidden by|is hidden by \/api\/pots\/:potId of pots:get/);
  });

  test('a port that is taken is refused by name', async () => {
    await using door = await openDoor();
    const second = new HttpServer({ version: '0' });
    await expect(second.listen({ host: '127.0.0.1', port: door.port })).rejects.toMatchObject({
      code: 'configuration',
      message: `127.0.0.1:${door.port} is in use by another process`,
    });
  });
});

describe('health', () => {
  test('strangers get the code and {status} alone, others all of it', async () => {
    await using door = await openDoor();
    expect((await door.ask('GET', '/health/deep', { stranger: true })).json()).toEqual({ status: 'pass' });
    const reply = await door.ask('GET', '/health/deep');
    expect([reply.headers['content-type'], reply.json()]).toEqual(['application/health+json', { status: 'pass', pot_count: 5 }]);
    door.ports.pots.clear();
    expect((await door.ask('GET', '/health/deep', { stranger: true })).status).toBe(503);
    expect((await door.ask('GET', '/health/deep', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
  });

  test('is answered whatever name the probe uses, HEAD too', async () => {
    await using door = await openDoor();
    const headers = { host: '10.1.2.3:8080' };
    expect((await door.ask('GET', '/health', { stranger: true, headers })).status).toBe(200);
    expect((await door.ask('HEAD', '/health', { stranger: true, headers })).text).toBe('');
    expect((await door.ask('GET', '/health/deep', { stranger: true, headers })).status).toBe(200);
  });
});

describe('the second listener', () => {
  test('has health and metrics, for anyone, and nothing else', async () => {
    await using door = await openDoor();
    const { port } = await door.server.listenProbes({ host: '127.0.0.1', port: 0 });
    const ask = async (path: string, method = 'GET') => replyOf(await send({ port, path, method, headers: { host: 'anything.internal' } }));
    expect((await ask('/health')).json()).toEqual({ status: 'ok' });
    expect((await ask('/health/deep')).json()).toEqual({ status: 'pass' });
    expect((await ask('/metrics')).text).toBe('pots 5\n');
    for (const path of ['/api/pots', '/openapi.json', '/sign-in', '/']) expect((await ask(path)).status).toBe(404);
    expect((await ask('/metrics', 'POST')).status).toBe(404);
  });
});

describe('the socket', () => {
  test('is there for its owner alone, takes the place of a stale file, and asks for the token too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'seed-http-'));
    const socketPath = join(folder, 'node.sock');
    await writeFile(socketPath, 'left behind');
    try {
      await using door = await openDoor();
      await door.server.listenSocket(socketPath);
      expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
      const ask = async (headers: Record<string, string>) =>
        replyOf(await send({ socketPath, path: '/api/pots/p1', headers: { host: 'localhost', ...headers } }));
      expect((await ask({})).status).toBe(401);
      expect((await ask({ authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('a path that the system can not hold is refused', async () => {
    const server = new HttpServer({ version: '0' });
    await expect(server.listenSocket(`/tmp/${'x'.repeat(120)}`)).rejects.toMatchObject({ code: 'configuration' });
  });
});

describe('close', () => {
  test('brings what is in flight to its end, and takes nothing new', async () => {
    const door = await openDoor();
    // In flight: the headers are there, the body is not yet.
    const socket = connect(door.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    const body = JSON.stringify({ input: 'late' });
    socket.write(
      `POST /api/pots/p1/echo HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    await until(() => socket.bytesWritten > 0 && !socket.connecting);
    await door.ask('GET', '/health');
    const closing = door.server.close({ drainMs: 5_000 });
    await expect(door.ask('GET', '/api/pots')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    socket.write(body);
    expect(await closing).toBe(true);
    await until(() => socket.closed);
    expect(answer).toContain('"data":"late"');
  });

  test('ends streams without an end mark, so that their readers resume elsewhere', async () => {
    const door = await openDoor();
    const response = await door.stream('/api/pots/p1/events?until=1000000&delay_ms=5');
    let text = '';
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await until(() => text.includes('id: 2'));
    expect(await door.server.close({ drainMs: 5_000 })).toBe(true);
    expect(text).not.toContain('event:');
    await until(() => door.ports.watching === 0);
  });

  test('gives up on what does not end, after its limit', async () => {
    const door = await openDoor();
    const socket = connect(door.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('POST /api/pots HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n');
    await until(() => socket.bytesWritten > 0 && !socket.connecting);
    await door.ask('GET', '/health');
    const startedMs = performance.now();
    expect(await door.server.close({ drainMs: 100 })).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(3_000);
    socket.destroy();
  });

  test('what comes on a connection that is still open is told to go elsewhere', async () => {
    const door = await openDoor();
    const socket = connect(door.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk.toString()));
    const head = `Host: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n`;
    socket.write(`POST /api/pots/p1/echo HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 11\r\n\r\n`);
    await until(() => !socket.connecting && socket.bytesWritten > 0);
    await door.ask('GET', '/health');
    const closing = door.server.close({ drainMs: 5_000 });
    socket.write(`{"input":1}GET /api/pots HTTP/1.1\r\n${head}\r\n`);
    expect(await closing).toBe(true);
    await until(() => socket.closed);
    expect(answer).toMatch(/^HTTP\/1.1 200 .*"data":1.*HTTP\/1.1 503 .*the node is stopping/s);
  });

  test('closing twice, or before opening, is no mistake', async () => {
    const door = await openDoor({ closed: true });
    expect(await door.server.close({ drainMs: 100 })).toBe(true);
    expect(await door.server.close({ drainMs: 100 })).toBe(true);
  });
});

test('what is not HTTP at all is answered and ended', async () => {
  await using door = await openDoor();
  const socket = connect(door.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.write('GET /api/pots HTTP/1.1\r\n\r\n');
  await until(() => answer.includes('\r\n\r\n'));
  expect(answer).toContain('400');
  socket.destroy();
});
