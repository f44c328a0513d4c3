// ctx.fetch over TLS: the certificate is that of the name, although the connection goes to an address that was checked. Needs openssl.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { startFetcher, useHost } from './fetcher.fixture.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

useHost();

/** A certificate of its own making, for `secure.example` alone. */
function certificate(): { key: Buffer; cert: Buffer } {
  const dir = mkdtempSync(join(tmpdir(), 'seed-tls-'));
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const name = ['-subj', '/CN=secure.example', '-addext', 'subjectAltName=DNS:secure.example'];
  execFileSync('openssl', [...request, ...name, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const made = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(dir, { recursive: true });
  return made;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test.skipIf(!hasOpenssl)(
  'with openssl: the name is asked for and checked, and a server that can not prove it is not believed',
  async () => {
    const made = certificate();
    const server = createServer(made, (request, response) =>
      response.end(`${(request.socket as TLSSocket & { servername?: string }).servername} ${request.headers.host}`),
    );
    const port = await listen(server);
    const names = { 'secure.example': [['127.0.0.1']], 'other.example': [['127.0.0.1']] };
    const hosts = [`secure.example:${port}`, `other.example:${port}`];
    const bench = await startFetcher({ hosts, names, allowed: [`127.0.0.1:${port}`] });
    const url = `https://secure.example:${port}/`;
    expect(await bench.fetch(url)).toMatchObject({ code: 'unavailable', message: expect.stringContaining('SELF_SIGNED') });
    const before = getCACertificates('default');
    onTestFinished(() => setDefaultCACertificates(before));
    setDefaultCACertificates([...before, made.cert.toString()]);
    expect(await bench.fetch(url)).toMatchObject({ status: 200, text: `secure.example secure.example:${port}` });
    expect(await bench.fetch(`https://other.example:${port}/`)).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('ALTNAME'),
    });
    // Spoken to without TLS, or as what it is not.
    expect(await bench.fetch(`http://secure.example:${port}/`)).toMatchObject({ code: 'unavailable' });
  },
);

test.skipIf(!hasOpenssl)('with openssl: nothing leads back from https to http', async () => {
  const made = certificate();
  const before = getCACertificates('default');
  onTestFinished(() => setDefaultCACertificates(before));
  setDefaultCACertificates([...before, made.cert.toString()]);
  const server = createServer(made, (_, response) => response.writeHead(302, { location: `http://secure.example:${port}/` }).end());
  const port = await listen(server);
  const bench = await startFetcher({
    hosts: [`secure.example:${port}`],
    names: { 'secure.example': [['127.0.0.1']] },
    allowed: [`127.0.0.1:${port}`],
  });
  expect(await bench.fetch(`https://secure.example:${port}/`)).toMatchObject({
    code: 'forbidden',
    message: expect.stringContaining('from https to http'),
  });
});
