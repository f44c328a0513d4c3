// What ctx.fetch makes of servers that behave as badly as they can: an error with a code, in time, and the node stays well.
import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { serveRaw, useHost } from './fetcher.fixture.ts';

useHost();

describe('servers that do their worst', () => {
  const head = (extra = ''): string => `HTTP/1.1 200 OK\r\nConnection: close\r\n${extra}\r\n`;
  const forever = (socket: Socket, chunk: string | Buffer): void => {
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
      if (!socket.destroyed) socket.once('drain', more);
    };
    more();
  };
  const CASES: readonly (readonly [name: string, answer: (socket: Socket) => void, code: string])[] = [
    ['says nothing', () => undefined, 'deadline'],
    ['closes at once', (socket) => socket.end(), 'unavailable'],
    ['resets the connection', (socket) => socket.resetAndDestroy(), 'unavailable'],
    ['half a head, then nothing', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Le'), 'deadline'],
    ['half a body, then nothing', (socket) => socket.write(`${head('Content-Length: 100\r\n')}half`), 'deadline'],
    ['half a body, then the end', (socket) => socket.end(`${head('Content-Length: 100\r\n')}half`), 'unavailable'],
    [
      'half a body, then a reset',
      (socket) => socket.write(`${head('Content-Length: 100\r\n')}half`, () => socket.resetAndDestroy()),
      'unavailable',
    ],
    ['a body without end', (socket) => (socket.write(head()), forever(socket, 'x'.repeat(65_536))), 'payload_too_large'],
    [
      'chunks without end',
      (socket) => (socket.write(head('Transfer-Encoding: chunked\r\n')), forever(socket, `400\r\n${'x'.repeat(1_024)}\r\n`)),
      'payload_too_large',
    ],
    [
      'chunks of one byte without end',
      (socket) => (socket.write(head('Transfer-Encoding: chunked\r\n')), forever(socket, '1\r\nx\r\n'.repeat(1_000))),
      'unavailable',
    ],
    [
      'headers without end',
      (socket) => (socket.write('HTTP/1.1 200 OK\r\n'), forever(socket, `X-A: ${'a'.repeat(500)}\r\n`)),
      'unavailable',
    ],
    ['200 headers', (socket) => socket.end(head(Array.from({ length: 200 }, (_, n) => `X-${n}: a\r\n`).join(''))), 'unavailable'],
    ['interim answers without end', (socket) => forever(socket, 'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n'), 'unavailable'],
    ['a bad size of a chunk', (socket) => socket.end(`${head('Transfer-Encoding: chunked\r\n')}zz\r\nhello\r\n0\r\n\r\n`), 'unavailable'],
    [
      'a size of a chunk beyond numbers',
      (socket) => socket.end(`${head('Transfer-Encoding: chunked\r\n')}ffffffffffffffffff\r\nhello\r\n`),
      'unavailable',
    ],
    [
      'both a length and chunks',
      (socket) => socket.end(`${head('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`),
      'unavailable',
    ],
    ['two lengths', (socket) => socket.end(`${head('Content-Length: 5\r\nContent-Length: 6\r\n')}hello!`), 'unavailable'],
    ['no HTTP', (socket) => socket.end('220 mail.example ESMTP\r\n'), 'unavailable'],
    ['another protocol', (socket) => socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'), 'unavailable'],
    [
      'a gzip bomb',
      (socket) => socket.end(Buffer.concat([Buffer.from(head('Content-Encoding: gzip\r\n')), gzipSync(Buffer.alloc(50_000_000))])),
      'payload_too_large',
    ],
    ['gzip that is none', (socket) => socket.end(`${head('Content-Encoding: gzip\r\n')}not gzip`), 'unavailable'],
    [
      'gzip cut off',
      (socket) => socket.end(Buffer.concat([Buffer.from(head('Content-Encoding: gzip\r\n')), gzipSync('x'.repeat(5_000)).subarray(0, 20)])),
      'unavailable',
    ],
    ['packed twice', (socket) => socket.end(`${head('Content-Encoding: gzip, gzip\r\n')}x`), 'unavailable'],
    // Each is whole and unpacks to nothing.
    [
      'empty gzip members without end',
      (socket) => (
        socket.write(head('Content-Encoding: gzip\r\n')),
        forever(socket, Buffer.concat(Array.from({ length: 1_000 }, () => gzipSync(''))))
      ),
      'payload_too_large',
    ],
  ];
  test.each(CASES)('%s', async (_, answer, code) => {
    const bench = await serveRaw(answer, { grant: { timeoutMs: code === 'deadline' ? 300 : 20_000, responseBytes: 200_000 } });
    const { code: seen, message } = await bench.fetch(bench.url);
    expect([seen, message]).toEqual([code, expect.stringContaining('api.example')]);
    // Where the server is belongs to the machine.
    expect(message).not.toContain('127.0.0.1');
    // The next one is served.
    expect(bench.uses).toMatchObject([{ outcome: 'error', code }]);
  });

  test('a body that comes drop by drop ends with its time', async () => {
    const bench = await serveRaw(
      (socket) => {
        socket.write(head());
        const timer = setInterval(() => socket.write('x'), 5);
        socket.on('close', () => clearInterval(timer));
      },
      { grant: { timeoutMs: 300 } },
    );
    expect(await bench.fetch(bench.url)).toMatchObject({ code: 'deadline' });
  });
});
