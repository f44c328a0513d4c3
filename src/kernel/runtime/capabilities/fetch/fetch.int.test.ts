// ctx.fetch from an agent in a real isolate: what it is given, what it is refused, and what is written down.
import { createServer as createHttp, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { replayCall } from '../../call-replay.ts';
import { ServedVersion } from '../../served-version.ts';
import { artifactOf } from '../agents.fixture.ts';
import { FETCHER, serve, startFetcher, useHost } from './fetcher.fixture.ts';

useHost();

const ok = (_: IncomingMessage, response: ServerResponse): void => void response.end('fine');

test('an answer: status, headers and text, and what the server was sent', async () => {
  const bench = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(201, { 'Content-Type': 'application/json', 'X-One': ['a', 'b'] });
      response.end(
        JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
  });
  const answer = await bench.fetch(`${bench.url}/a%20b?c=d#e`, {
    method: 'POST',
    headers: { 'X-Mine': '1', accept: 'a/b' },
    body: 'héllo',
  });
  expect(answer).toMatchObject({
    status: 201,
    ok: true,
    url: `${bench.url}/a%20b?c=d`,
    headers: { 'content-type': 'application/json', 'x-one': 'a, b' },
  });
  expect(JSON.parse(answer.text ?? '')).toEqual({
    method: 'POST',
    url: '/a%20b?c=d',
    headers: {
      ...{
        host: `api.example:${bench.port}`,
        'user-agent': 'seed-agent',
        accept: 'a/b',
        'x-mine': '1',
        'accept-encoding': 'gzip, deflate, br',
      },
      ...{ 'content-length': '6', connection: 'close' },
    },
    body: 'héllo',
  });
  expect(bench.uses).toMatchObject([
    {
      agent: 'fetcher',
      version: 1,
      seq: 1,
      principalId: 'u1',
      capability: 'fetch',
      outcome: 'ok',
      target: `POST http://api.example:${bench.port}`,
    },
  ]);
  expect(bench.uses[0]?.bytesIn).toBeGreaterThan(200);
});

describe('bodies', () => {
  const text = 'much ado about nothing '.repeat(1_000);
  test.each([
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
  ])('unpacked: %s', async (encoding, body) => {
    const bench = await serve((_, response) => void response.setHeader('Content-Encoding', encoding).end(body));
    expect((await bench.fetch(bench.url)).text).toBe(text);
  });

  test('bytes as base64, text by its charset, and nothing for HEAD', async () => {
    const bench = await serve(
      (_, response) => void response.setHeader('Content-Type', 'text/plain; charset=latin1').end(Buffer.from([0xe9, 0xff])),
    );
    expect((await bench.fetch(bench.url, { as: 'base64' })).text).toBe('6f8=');
    expect((await bench.fetch(bench.url)).text).toBe('éÿ');
    expect(await bench.fetch(bench.url, { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
    expect((await bench.fetch(bench.url, { method: 'POST', body: { base64: 'AP8=' } })).status).toBe(200);
  });
});

/** Written so that whoever compares text is fooled; what comes of them must be refused, wherever it is found out. */
const PRIVATE_SPELLINGS = [
  ...['http://127.0.0.1/', 'http://2130706433/', 'http://0x7f000001/', 'http://017700000001/', 'http://127.1/', 'http://127.0.1/'],
  ...[
    'http://0177.0.0.1/',
    'http://0x7f.0.0.1/',
    'http://127.0.0.1./',
    'http://0/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://0xa.0.0.1/',
  ],
  ...[
    'http://169.254.169.254/',
    'http://0xa9fea9fe/',
    'http://2852039166/',
    'http://192.168.0.1/',
    'http://3232235521/',
    'http://172.16.0.1/',
  ],
  ...[
    'http://100.64.0.1/',
    'http://１２７.０.０.１/',
    'http://①②⑦.⓪.⓪.①/',
    'http://127。0。0。1/',
    'http://%31%32%37.0.0.1/',
    'http://[::1]/',
  ],
  ...['http://[::]/', 'http://[0:0:0:0:0:0:0:1]/', 'http://[::ffff:127.0.0.1]/', 'http://[::ffff:7f00:1]/', 'http://[64:ff9b::127.0.0.1]/'],
  ...['http://[64:ff9b::a9fe:a9fe]/', 'http://[2002:7f00:1::]/', 'http://[2001:0:53aa:64c::1]/', 'http://[fd00::1]/', 'http://[FE80::1]/'],
  ...[
    'http://[fd00:ec2::254]/',
    'http://[::127.0.0.1]/',
    'http://[fe80::1%25lo]/',
    'http://[fe80::1%lo]/',
    'HTTP://127.0.0.1/',
    'http:127.0.0.1/',
  ],
  ...[
    'http://user@127.0.0.1/',
    'http://8.8.8.8@127.0.0.1/',
    'http://8.8.8.8:80@127.0.0.1/',
    'http://8.8.8.8\\@127.0.0.1/',
    'http://localhost/',
  ],
  ...[
    'http://LOCALHOST/',
    'http://localhost./',
    'http://a.localhost/',
    'http://private.example/',
    'http://PRIVATE.example./',
    'http://half.example/',
  ],
  ...[
    'http://xn--mgbh0fb.example/',
    'http://mapped.example/',
    'http://metadata.example/',
    '//127.0.0.1/',
    'file:///etc/passwd',
    'ftp://127.0.0.1/',
  ],
  ...['javascript:1', 'data:text/plain,a', 'gopher://127.0.0.1/', 'http://127.0.0.1:6379/', 'https://127.0.0.1/', 'http:///127.0.0.1/'],
];

describe('private addresses, however they are written', () => {
  test('none is asked, whatever the contract grants', async () => {
    const names = {
      ...{ 'private.example': [['10.0.0.1']], 'half.example': [['93.184.216.34', '10.0.0.1']], 'xn--mgbh0fb.example': [['192.168.1.1']] },
      ...{ 'mapped.example': [['::ffff:127.0.0.1']], 'metadata.example': [['fd00:ec2::254']], localhost: [['127.0.0.1', '::1']] },
      'a.localhost': [['127.0.0.1']],
    };
    // As wide as a contract can be: what is literal can not be granted at all, so it is refused by the grant before.
    const bench = await startFetcher({ hosts: ['*.example.com', 'localhost', 'a.localhost', ...Object.keys(names).slice(0, 5)], names });
    expect(PRIVATE_SPELLINGS.length).toBeGreaterThanOrEqual(26);
    for (const url of PRIVATE_SPELLINGS) {
      const answer = await bench.fetch(url);
      expect([url, ['forbidden', 'invalid_input'].includes(answer.code ?? ''), answer]).toEqual([url, true, answer]);
      // What a name leads to is not for the agent.
      if (url.includes('.example')) expect(answer.message).not.toMatch(/\d\.\d|fd00/);
    }
    expect(bench.uses.find(({ target }) => target?.includes('private.example'))).toMatchObject({
      detail: 'it is at 10.0.0.1',
      outcome: 'error',
      code: 'forbidden',
    });
  });
});

test('a name that moves into the private network meanwhile: the socket goes where the check looked, and the next check sees it', async () => {
  // The first answer is let through; whoever asked again for the connection would reach the second.
  const victim = await serve(ok);
  const bench = await startFetcher({
    hosts: [`moves.example:${victim.port}`],
    names: { 'moves.example': [['127.0.0.2'], ['127.0.0.1']] },
    allowed: [`127.0.0.2:${victim.port}`],
  });
  const url = `http://moves.example:${victim.port}/`;
  // Nobody listens on 127.0.0.2: that it is refused shows where it went.
  expect(await bench.fetch(url)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('ECONNREFUSED') });
  expect(await bench.fetch(url)).toMatchObject({ code: 'forbidden' });
  expect(victim.seen).toEqual([]);
  expect(bench.asked).toEqual(['moves.example', 'moves.example']);
});

const REFUSED: readonly (readonly [url: unknown, options: object | undefined, code: string])[] = [
  ['https://api.example/', undefined, 'unavailable'],
  ['http://evil.example/', undefined, 'forbidden'],
  ['http://api.example.evil.example/', undefined, 'forbidden'],
  ['http://api.example:1/', undefined, 'forbidden'],
  ['http://api.example@evil.example/', undefined, 'invalid_input'],
  ['http://evil.example/#@api.example/', undefined, 'forbidden'],
  ['http://api.example/', { method: 'DELETE' }, 'forbidden'],
  ['http://api.example/', { method: 'CONNECT' }, 'invalid_input'],
  ['http://api.example/', { method: 'get' }, 'invalid_input'],
  ['http://api.example/', { proxy: 'x' }, 'invalid_input'],
  ['http://api.example/', { body: 'x' }, 'invalid_input'],
  ['http://api.example/', { method: 'POST', body: 'x'.repeat(70_000) }, 'payload_too_large'],
  ['http://api.example/', { headers: { a: 'x'.repeat(70_000) } }, 'payload_too_large'],
  [`http://api.example/${'x'.repeat(9_000)}`, undefined, 'invalid_input'],
  ['', undefined, 'invalid_input'],
  [null, undefined, 'invalid_input'],
  [{ toString: 'x' }, undefined, 'invalid_input'],
];
const BAD_HEADERS = [
  ...['Host', 'connection', 'Transfer-Encoding', 'Content-Length', 'Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'Expect', 'Via'],
  ...['Proxy-Authorization', 'proxy-connection', 'Accept-Encoding', 'HTTP2-Settings', 'a b', 'a:b', '', 'é', 'a\r\nb'],
];
const BAD_VALUES = ['a\r\nX: y', 'a\nb', 'a\0b', 'é', ' a', 'a ', '\u{1f600}'];

test('what is not granted, and what is no request, is refused before anybody is asked', async () => {
  const bench = await startFetcher();
  for (const [url, options, code] of REFUSED) {
    expect([url, options, (await bench.fetch(url as string, options)).code]).toEqual([url, options, code]);
  }
  const header = async (name: string, value: string): Promise<unknown> => {
    const headers = Object.fromEntries([[name, value]]);
    return (await bench.fetch('http://api.example/', { headers })).code;
  };
  for (const name of BAD_HEADERS) expect([name, await header(name, 'x')]).toEqual([name, 'invalid_input']);
  for (const value of BAD_VALUES) expect([value, await header('x-a', value)]).toEqual([value, 'invalid_input']);
  expect(
    await bench.fetch('http://api.example/', { headers: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`x-${n}`, ''])) }),
  ).toMatchObject({
    code: 'invalid_input',
  });
  // Only the name that is granted, which has no address.
  expect(bench.asked).toEqual(['api.example']);
});

describe('limits', () => {
  test('requests and bytes of one call', async () => {
    const few = `async handle(input, ctx) {
      const codes = [];
      for (let n = 0; n < 4; n += 1) codes.push(await ctx.fetch(input.url).then(({ status }) => status, ({ code }) => code));
      return codes;
    }`;
    const bench = await serve((_, response) => void response.end('x'.repeat(1_000)), { grant: { requests: 3 }, agent: { body: few } });
    expect(await bench.call('fetcher', { url: bench.url })).toEqual([200, 200, 200, 'rate_limited']);
    expect(await bench.call('fetcher', { url: bench.url })).toEqual([200, 200, 200, 'rate_limited']);
    const small = await serve((_, response) => void response.end('x'.repeat(1_000)), { grant: { callBytes: 2_500 }, agent: { body: few } });
    const [first, ...rest] = (await small.call('fetcher', { url: small.url })) as (number | string)[];
    expect([first, rest.at(-1)]).toEqual([200, 'payload_too_large']);
    expect(small.uses.reduce((sum, { bytesIn, bytesOut }) => sum + bytesIn + bytesOut, 0)).toBeLessThanOrEqual(2_500);
  });

  test('uses of an agent in a minute', async () => {
    const policy = { agents: { fetcher: { fetch: { per_minute: 2 } } } };
    const bench = await serve(ok, { policy });
    // The bench's own allowance is in the policy, which `policy` does not replace.
    const codes = [];
    for (let n = 0; n < 3; n += 1) codes.push((await bench.fetch(bench.url)).code ?? 'ok');
    expect(codes).toEqual(['ok', 'ok', 'rate_limited']);
    expect(bench.uses.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'refused']);
  });
});

describe('secrets of the operator', () => {
  const secrets = { TOKEN: 'very-secret-value' };
  const policy = {
    agents: { '*': { fetch: { secret_headers: { 'api.example:PORT': { authorization: { env: 'TOKEN', prefix: 'Bearer ' } } } } } },
  };

  test('are added to requests of their host alone, and never seen by the agent', async () => {
    const echo: RequestListener = (request, response) => {
      if (request.url === '/away') return void response.writeHead(302, { location: `http://other.example:${bench.port}/` }).end();
      response.setHeader('x-echo', request.headers.authorization ?? 'none').end(JSON.stringify(request.headers));
    };
    const server = createHttp(echo);
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const bench = {
      port,
      ...(await startFetcher({
        hosts: [`api.example:${port}`, `other.example:${port}`],
        allowed: [`127.0.0.1:${port}`],
        names: { 'api.example': [['127.0.0.1']], 'other.example': [['127.0.0.1']] },
        secrets,
        policy: JSON.parse(JSON.stringify(policy).replace('PORT', String(port))) as object,
      })),
    };
    const answer = await bench.fetch(`http://api.example:${port}/`, { headers: { authorization: 'mine' } });
    expect(answer.headers?.['x-echo']).toBe('[redacted]');
    expect(JSON.parse(answer.text ?? '')).toMatchObject({ authorization: '[redacted]' });
    expect((await bench.fetch(`http://api.example:${port}/away`)).headers?.['x-echo']).toBe('none');
    expect(JSON.stringify([bench.records, bench.uses])).not.toContain('very-secret-value');
  });
});

test('a request ends with its call', async () => {
  const arrived = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const bench = await serve((request) => {
    request.on('close', () => gone.resolve());
    arrived.resolve();
  });
  const caller = new AbortController();
  const call = bench.call('fetcher', { url: bench.url }, { signal: () => caller.signal });
  await arrived.promise;
  caller.abort();
  await expect(call).rejects.toMatchObject({ code: 'cancelled' });
  await gone.promise;
  expect(bench.uses).toMatchObject([{ outcome: 'error', code: 'cancelled' }]);
});

test('a call that has asked somebody is not run again when its host dies', async () => {
  const arrived = Promise.withResolvers<void>();
  const bench = await serve(() => arrived.resolve(), { ownHost: true });
  const call = bench.call('fetcher', { url: bench.url });
  await arrived.promise;
  process.kill(bench.hosts[0]?.pid ?? 0, 'SIGKILL');
  await expect(call).rejects.toMatchObject({ code: 'unavailable' });
  expect(bench.seen.length).toBe(1);
});

test('a recorded call is replayed from its journal, and nobody is asked again', async () => {
  let answers = 0;
  const bench = await serve((_, response) => void response.end(String((answers += 1))));
  const output = await bench.call('fetcher', { url: bench.url });
  expect(output).toMatchObject({ text: '1' });
  const [record] = bench.records;
  if (record === undefined) throw new Error('nothing was recorded');
  const grants = bench.runtime.worker('fetcher').live?.contract.grants;
  const version = new ServedVersion(
    artifactOf('fetcher', { body: FETCHER, capabilities: ['fetch'], ...(grants === undefined ? {} : { grants }) }),
    {
      number: 1,
      syncPath: false,
    },
  );
  const [host] = bench.hosts;
  if (host === undefined) throw new Error('there is no host');
  const report = await replayCall(record, { host, version });
  expect(report).toMatchObject({ verdict: 'same', replayed: { outputJson: JSON.stringify(output) } });
  expect(answers).toBe(1);
  expect(bench.uses.length).toBe(1);
});
