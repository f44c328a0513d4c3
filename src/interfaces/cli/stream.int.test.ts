// A stream that breaks off is taken up again where it was left.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import type { CatalogueEntry } from '#operation/catalogue-entry.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';
import { streamItems } from './stream.ts';

const ENTRY: CatalogueEntry = {
  name: 'a:watch',
  summary: '',
  kind: 'read',
  permission: 'a:b',
  method: 'GET',
  path: '/s',
  stream: true,
  flags: [],
  examples: [],
  input: {},
};
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that gives the n-th answer to the n-th request (the last one to all that follow). */
async function serve(...answers: readonly Answer[]): Promise<{ client: HttpClient; seen: (string | undefined)[] }> {
  const seen: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    seen.push(request.headers['last-event-id'] as string | undefined);
    answers[Math.min(seen.length, answers.length) - 1]?.(request, response);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const client = createHttpClient({
    endpoint: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
    token: undefined,
    userAgent: 'test',
    unreachable: (cause) => new SeedError('unavailable', 'nobody there', { cause }),
  });
  return { client, seen };
}

const events =
  (text: string, ending: 'end' | 'destroy' | 'open'): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => {
      if (ending === 'end') response.end();
      if (ending === 'destroy') response.destroy();
    });
  };

async function collect(client: HttpClient, signal = new AbortController().signal, notes: string[] = []): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of streamItems(client, { entry: ENTRY, input: {} }, { signal, retryMs: 1, onRetry: (note) => notes.push(note) }))
    items.push(item);
  return items;
}

describe('streamItems', () => {
  test('goes on after the last item that it has seen, however the stream broke off', async () => {
    const notes: string[] = [];
    const { client, seen } = await serve(
      events('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\ndata: cut o', 'destroy'),
      events('id: 3\ndata: 3\n\n', 'end'),
      events('id: 4\ndata: 4\n\nevent: end\ndata: {}\n\n', 'open'),
    );
    expect(await collect(client, undefined, notes)).toEqual([1, 2, 3, 4]);
    expect(seen).toEqual([undefined, '2', '3']);
    expect(notes).toHaveLength(2);
  });

  test('without ids it does not begin again: items would come twice', async () => {
    const { client, seen } = await serve(events('data: 1\n\n', 'end'));
    await expect(collect(client)).rejects.toMatchObject({ code: 'unavailable' });
    expect(seen).toHaveLength(1);
  });

  test('gives up when the node does not come back', async () => {
    const { client, seen } = await serve(events('id: 1\ndata: 1\n\n', 'end'), (_, response) => response.destroy());
    await expect(collect(client)).rejects.toMatchObject({ code: 'unavailable' });
    expect(seen).toHaveLength(6);
  });

  test('an error of the stream is its end', async () => {
    const { client, seen } = await serve(events('id: 1\ndata: 1\n\nevent: failed\ndata: {"error":"full","code":"unavailable"}\n\n', 'end'));
    await expect(collect(client)).rejects.toMatchObject({ code: 'unavailable', message: 'full' });
    expect(seen).toHaveLength(1);
  });

  test('an error instead of the stream', async () => {
    const { client } = await serve((_, response) =>
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"gone","code":"not_found"}'),
    );
    await expect(collect(client)).rejects.toMatchObject({ code: 'not_found', message: 'gone' });
  });

  test('a user who has seen enough', async () => {
    const enough = new AbortController();
    const { client } = await serve((request, response) => {
      events('id: 1\ndata: 1\n\n', 'open')(request, response);
      setImmediate(() => enough.abort());
    });
    await expect(collect(client, enough.signal)).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('nobody there', async () => {
    const client = createHttpClient({
      endpoint: { socketPath: '/nowhere/seed.sock' },
      token: undefined,
      userAgent: 'test',
      unreachable: (cause) => new SeedError('unavailable', 'nobody there', { cause }),
    });
    await expect(collect(client)).rejects.toMatchObject({ message: 'nobody there' });
  });
});
