// Settings of the whole program: a wrong one is refused by its name, value and what it should be, before anything runs.
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand } from '#lib/process.ts';
import { agentOf, contractOf, DOUBLE } from './fixtures.ts';
import { descendants, tcpListeners } from './processes.ts';
import { endOfSeed, startSeed, type SeedProcess } from './seed-process.ts';

const SEED = new URL('../bin/seed', import.meta.url).pathname;

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'seed-settings-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

describe('a wrong value ends the program with 78, once', () => {
  test('all of them are named at once, with what each should be', async () => {
    const wrong = {
      PORT: ['70000', 'a whole number from 0 to 65535'],
      HOST: ['two words', 'a host name or address'],
      PUBLIC_URL: ['seed.example.com', 'an address like https://'],
      HTTP_SERVER_ENABLED: ['maybe', 'true or false'],
      METRICS_PORT: ['none', 'a whole number from 0 to 65535, or off'],
      LOG_LEVEL: ['loud', 'one of debug, info, warn, error, silent'],
    } as const;
    const env = Object.fromEntries(Object.entries(wrong).map(([name, [value]]) => [name, value]));
    const { code, output } = await endOfSeed(base, { env });
    expect(code).toBe(78);
    for (const [name, [value, expected]] of Object.entries(wrong)) {
      expect(output).toContain(`${name}=${value} (environment) must be ${expected}`);
    }
    // It was not tried again, and left nothing behind.
    expect(output.match(/PORT=70000/g)).toHaveLength(1);
    expect(await readdir(base)).toEqual([]);
  });

  test.each([
    ['DATA_DIR', () => join(base, 'a-file'), 'a folder that this user can write to (ENOTDIR)'],
    ['DATA_DIR', () => join(base, 'a-file', 'below'), 'a folder that this user can write to (ENOTDIR)'],
    ['DATA_DIR', () => '/proc/seed', 'a folder that this user can write to (ENOENT)'],
    ['CODE_ROOT', () => join(base, 'a-file'), 'a folder that this user can use (ENOTDIR)'],
    ['AGENTS_DIR', () => join(base, 'a-file'), 'a folder that is there and can be read (ENOTDIR)'],
    ['AGENTS_DIR', () => join(base, 'nowhere'), 'a folder that is there and can be read (ENOENT)'],
  ])('%s that is no folder it could be (%#)', async (name, path, expected) => {
    await writeFile(join(base, 'a-file'), '');
    const dir = await mkdtemp(join(base, 'data-'));
    const { code, output } = await endOfSeed(dir, { env: { [name]: path() } });
    expect(code).toBe(78);
    expect(output).toBe(`error: ${name}=${path()} must be ${expected}\ntry: set ${name} to another folder\n`);
  });

  test('DATA_DIR that is too long for the socket in it', async () => {
    const dataDir = join(base, 'x'.repeat(100));
    const { code, output } = await endOfSeed(base, { env: { DATA_DIR: dataDir } });
    expect(code).toBe(78);
    expect(output).toMatch(/^error: the path of the socket is too long.*\ntry: choose a shorter DATA_DIR\n$/);
  });

  test('HOST that is not an address of this machine', async () => {
    const { code, output } = await endOfSeed(await mkdtemp(join(base, 'host-')), { env: { HOST: '203.0.113.7' } });
    expect(code).toBe(78);
    expect(output).toContain('203.0.113.7:0 can not be used (EADDRNOTAVAIL)');
  });
});

describe('ports', () => {
  let seed: SeedProcess;
  let metricsPort: number;
  beforeAll(async () => {
    metricsPort = await freePort();
    seed = await startSeed({ env: { METRICS_PORT: String(metricsPort), PUBLIC_URL: 'https://seed.example.com/' }, isListening: false });
  });
  afterAll(() => seed[Symbol.asyncDispose]());

  test('one that is in use is named, and the one who has it is left alone', async () => {
    const taken = Number(tcpListeners(seed.nodePid).find((port) => port !== metricsPort));
    const port = await endOfSeed(await mkdtemp(join(base, 'port-')), { port: taken });
    expect(port).toEqual({
      code: 78,
      output: `error: 127.0.0.1:${taken} is in use by another process\ntry: set PORT or HOST to another one; PORT=0 takes a free port\n`,
    });
    const metrics = await endOfSeed(await mkdtemp(join(base, 'port-')), { env: { METRICS_PORT: String(metricsPort) } });
    expect(metrics.code).toBe(78);
    expect(metrics.output).toContain(`127.0.0.1:${metricsPort} is in use by another process\ntry: set METRICS_PORT`);
    expect((await fetch(`http://127.0.0.1:${taken}/health`)).status).toBe(200);
  });

  test('METRICS_PORT has health and metrics without a token, and nothing else even with one', async () => {
    const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${metricsPort}${path}`, init);
    expect(await (await ask('/health')).json()).toEqual({ status: 'ok' });
    expect(await (await ask('/health/deep')).json()).toEqual({ status: expect.stringMatching(/^(ok|warning)$/) });
    expect(await (await ask('/metrics')).text()).toContain('seed_agent_hot_reload_queue_depth');
    const headers = { authorization: `Bearer ${seed.token}` };
    for (const path of ['/api/agents', '/openapi.json', '/status', '/sign-in', '/', '/api/system/status']) {
      const answer = await ask(path, { headers });
      expect([path, answer.status, ((await answer.json()) as { code: string }).code]).toEqual([path, 404, 'not_found']);
    }
    const posted = await ask('/api/agents/packer/invoke', { method: 'POST', headers, body: '{"input":{}}' });
    expect(posted.status).toBe(404);
  });

  test('PUBLIC_URL is what people are told', () => {
    expect(seed.url).toBe('https://seed.example.com');
    expect(seed.output()).toContain('https://seed.example.com/sign-in/');
  });
});

describe('HTTP_SERVER_ENABLED=false', () => {
  test('no TCP port anywhere, and the command line works over a socket that only this user can use', async () => {
    await using seed = await startSeed({ env: { HTTP_SERVER_ENABLED: 'false' }, isListening: false });
    const tree = [seed.handle.pid, ...descendants(seed.handle.pid).map(({ pid }) => pid)];
    expect(tree).toContain(seed.nodePid);
    expect(tree.flatMap((pid) => tcpListeners(pid))).toEqual([]);
    expect((await stat(join(seed.dataDir, 'seed.sock'))).mode & 0o777).toBe(0o600);
    const folder = join(base, 'double');
    await mkdir(folder);
    await writeFile(join(folder, 'contract.ts'), contractOf('double'));
    await writeFile(join(folder, 'agent.ts'), agentOf(DOUBLE));
    const cli = (...args: string[]) =>
      runCommand(SEED, args, {
        env: { PATH: process.env['PATH'] ?? '', DATA_DIR: seed.dataDir },
        cwd: base,
        timeoutMs: 60_000,
      });
    expect(await cli('agents:create', '--from', folder, '--format', 'json')).toMatchObject({ code: 0, stderr: '' });
    const called = await cli('agents:invoke', 'double', '{"n":4}', '--format', 'json');
    expect(JSON.parse(called.stdout)).toMatchObject({ data: { n: 8 }, version: 1 });
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
