// Redirects of ctx.fetch: followed, and checked like a first request.
import type { RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { serve, startFetcher, useHost } from './fetcher.fixture.ts';

useHost();

const ok: RequestListener = (_, response) => void response.end('fine');

describe('redirects', () => {
  const to =
    (location: string, status = 302): RequestListener =>
    (_, response) =>
      void response.writeHead(status, { location }).end('gone');

  test('are followed to granted hosts, and credentials are left behind where the host changes', async () => {
    const bench = await serve((request, response) => {
      const { port } = bench;
      if (request.url === '/a') return to('/b')(request, response);
      if (request.url === '/b') return to(`http://other.example:${port}/c`)(request, response);
      response.end(JSON.stringify(request.headers));
    });
    const headers = { authorization: 'Bearer mine', cookie: 'a=b', 'x-api-key': 'k', accept: 'x/y' };
    const answer = await bench.fetch(`${bench.url}/a`, { headers });
    expect(answer).toMatchObject({ status: 200, url: `http://other.example:${bench.port}/c` });
    expect(JSON.parse(answer.text ?? '')).not.toHaveProperty('authorization');
    expect(JSON.parse(answer.text ?? '')).toMatchObject({ accept: 'x/y', host: `other.example:${bench.port}` });
    expect(Object.keys(JSON.parse(answer.text ?? '') as object)).not.toEqual(expect.arrayContaining(['cookie']));
    expect(answer.text).not.toContain('"k"');
    expect(bench.seen.map(({ headers: sent }) => sent.authorization)).toEqual(['Bearer mine', 'Bearer mine', undefined]);
  });

  test.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [302, 'PUT', 'PUT', 'x'],
    [307, 'POST', 'POST', 'x'],
    [308, 'PUT', 'PUT', 'x'],
  ])('%i makes of %s a %s', async (status, method, then, body) => {
    const bench = await serve((request, response) => {
      if (request.url === '/') return to('/next', status)(request, response);
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () =>
        response.end(`${request.method} ${Buffer.concat(chunks).toString()} ${request.headers['content-type'] ?? ''}`),
      );
    });
    const answer = await bench.fetch(`${bench.url}/`, { method, body: 'x', headers: { 'content-type': 'a/b' } });
    expect(answer.text?.trim()).toBe(body === '' ? then : `${then} ${body} a/b`);
  });

  test('to what is not granted, not allowed or no address of the web are refused, one hop before', async () => {
    const victim = await serve(ok);
    let location = '';
    const bench = await serve((request, response) => to(location)(request, response), {});
    for (const target of [
      ...[
        `http://127.0.0.1:${victim.port}/`,
        `http://2130706433:${victim.port}/`,
        'http://169.254.169.254/latest/meta-data',
        'http://evil.example/',
      ],
      ...[
        `http://api.example:${victim.port}/`,
        'http://[::1]/',
        'file:///etc/passwd',
        `http://a:b@api.example:${bench.port}/`,
        'http://',
        '//evil.example',
      ],
      ...['javascript:1', 'https://evil.example/', `http://api.example.:${victim.port}/`],
    ]) {
      location = target;
      const { code = '' } = await bench.fetch(bench.url);
      expect([target, ['forbidden', 'invalid_input'].includes(code)]).toEqual([target, true]);
    }
    expect(victim.seen).toEqual([]);
  });

  test('to a granted name at a private address are refused', async () => {
    const victim = await serve(ok);
    const bench = await serve((request, response) => to(`http://inside.example:${victim.port}/`)(request, response));
    const inside = await startFetcher({
      hosts: [`api.example:${bench.port}`, `inside.example:${victim.port}`],
      allowed: [`127.0.0.1:${bench.port}`],
      names: { 'api.example': [['127.0.0.1']], 'inside.example': [['127.0.0.1']] },
    });
    expect(await inside.fetch(bench.url)).toMatchObject({ code: 'forbidden', message: expect.stringContaining('inside.example') });
    expect(victim.seen).toEqual([]);
  });

  test('in a circle end, and so do those that nobody wants', async () => {
    const bench = await serve((request, response) => to(request.url === '/a' ? '/b' : '/a')(request, response));
    expect(await bench.fetch(`${bench.url}/a`)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('5 redirects') });
    expect(bench.seen.length).toBe(6);
    expect(await bench.fetch(`${bench.url}/a`, { redirect: 'manual' })).toMatchObject({ status: 302, headers: { location: '/b' } });
    expect(await bench.fetch(`${bench.url}/a`, { redirect: 'error' })).toMatchObject({ code: 'forbidden' });
  });
});
