// The program as a process of its own, without a terminal: finding its node, signals, pipes, start-up.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seed, startGarden, startSeed, type GardenNode, type SeedOptions } from './fixture.ts';

let node: GardenNode;
let folder: string;
beforeAll(async () => {
  node = await startGarden();
  folder = await mkdtemp(join(tmpdir(), 'seed-cli-process-'));
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const run = (line: string, options: SeedOptions = {}) => seed(line.split(' '), { node, ...options });

describe('which node', () => {
  test('none: says so, and how to start one', async () => {
    const empty = { node: undefined, env: { DATA_DIR: folder } };
    const { code, stderr } = await run('agents:list', empty);
    expect(code).toBe(7);
    expect(stderr).toMatch(/^error: no node is running: there is no .*node\.json\ntry: start one with "npm start", or set SEED_URL/);
  });

  test('one that is gone', async () => {
    const gone = join(folder, 'gone');
    await mkdir(gone);
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const file = (pid: number) =>
      writeFile(
        join(gone, 'node.json'),
        JSON.stringify({ url: `http://127.0.0.1:${port}`, socket: null, pid, started_at: '', version: '' }),
      );
    await file(2 ** 22 + 1);
    expect((await run('agents:list', { node: undefined, env: { DATA_DIR: gone } })).stderr).toContain('which is gone');
    await file(process.pid);
    expect(await run('agents:list', { node: undefined, env: { DATA_DIR: gone } })).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('it may be starting or stopping') as unknown,
    });
  });

  test('a wrong setting', async () => {
    expect(await run('agents:list', { env: { SEED_URL: 'nonsense' } })).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('SEED_URL=nonsense') as unknown,
    });
  });

  test('the token of the data folder is not shown to another node', async () => {
    const seen: (string | undefined)[] = [];
    const other = createHttpServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"no","code":"unauthenticated"}');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    expect((await run('system:ping', { env: { SEED_URL: `http://127.0.0.1:${port}` } })).code).toBe(4);
    expect((await run('system:ping', { env: { SEED_URL: `http://127.0.0.1:${port}`, SEED_TOKEN: 'for-the-other' } })).code).toBe(4);
    other.close();
    expect(seen).toEqual([undefined, 'Bearer for-the-other']);
  });

  test('over its socket, where there is no port', async () => {
    await using quiet = await startGarden({ socket: true });
    expect((await run('pots:get p2 -q', { node: quiet })).stdout).toBe('p2\n');
    expect((await run('pots:watch --pot-id p2 -f json', { node: quiet })).stdout.split('\n')).toHaveLength(4);
  });
});

describe('commands that only the node knows', () => {
  test('are found there, with their help', async () => {
    expect(await run('pots get p1 --quiet')).toEqual({ code: 0, stdout: 'p1\n', stderr: '' });
    expect((await run('pots smash --help')).stdout).toMatch(/^pots:smash: smash a pot for good\n/);
    expect((await run('help pots')).stdout).toContain('pots:smash');
    expect(await run('pots:smsh p1')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "seed pots:smash"?') as unknown,
    });
  });

  test('arguments keep their order on the way there', async () => {
    const { stdout } = await run('pots:label -h text -f 3 --format json');
    expect(JSON.parse(stdout)).toMatchObject({ text: 'text', count: 3 });
  });
});

describe('pipes and signals', () => {
  test('Ctrl-C ends it with 130, and the node hears of it', async () => {
    await using child = startSeed(['pots:watch', '--pot-id', 'p1', '--until', '1000000', '--delay-ms', '20'], node);
    await new Promise((resolve) => child.pipe(1).once('data', resolve));
    child.kill('SIGINT');
    expect(await child.exited).toEqual({ code: 130, signal: null });
    await expect.poll(() => node.ports.watching).toBe(0);
  });

  test('a reader that has seen enough is no error', async () => {
    await using child = startSeed(['pots:watch', '--pot-id', 'p1', '--until', '1000000'], node);
    let stderr = '';
    child.pipe(2).on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await new Promise((resolve) => child.pipe(1).once('data', resolve));
    child.pipe(1).destroy();
    expect(await child.exited).toEqual({ code: 0, signal: null });
    expect(stderr).toBe('');
  });

  test('a batch from standard input', async () => {
    expect(await run('pots:get --batch', { input: '{"pot_id":"p1"}\n' })).toMatchObject({ code: 0, stderr: '1 done, 0 failed\n' });
  });
});

describe('help and completion need no node', () => {
  const alone = { node: undefined, env: { DATA_DIR: '/nowhere' } };

  test.each([
    ['--help', 0, /\n {2}agents:improve /],
    ['agents', 0, /\n {2}agents:improve /],
    ['agents improve --help', 0, /^agents:improve: /],
    ['cli:help agents:improve', 0, /^agents:improve: /],
    ['help nonsens', 3, /^$/],
    ['--version', 0, /^\d+\.\d+\.\d+\n$/],
  ])('%s', async (line, code, stdout) => {
    const result = await run(line, alone);
    expect(result.code).toBe(code);
    expect(result.stdout).toMatch(stdout);
  });

  test('the reference in each form', async () => {
    expect((await run('cli:docs', alone)).stdout).toMatch(/^# Commands\n/);
    expect((await run('cli:docs --format man', alone)).stdout).toMatch(/^\.TH SEED 1\n/);
    expect(JSON.parse((await run('cli:docs -f json', alone)).stdout)).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'agents:list' })]),
    );
    expect(JSON.parse((await run('cli:docs -f openapi', alone)).stdout)).toMatchObject({ openapi: '3.1.0' });
  });

  test('what shows help loads neither zod nor an HTTP client', async () => {
    const hook = join(folder, 'loaded.mjs');
    await writeFile(
      hook,
      `import { registerHooks } from 'node:module';
       registerHooks({ resolve(name, context, next) { const found = next(name, context); process.stderr.write(found.url + '\\n'); return found; } });`,
    );
    for (const args of [['--help'], ['agents:list', '--help'], ['__complete', 'bash', 'seed agents:'], ['--version']]) {
      const { code, stderr } = await seed(args, { env: { NODE_OPTIONS: `--import=${hook}` } });
      expect(code).toBe(0);
      expect(stderr).toContain('/src/interfaces/cli/run.ts');
      expect(stderr).not.toMatch(/\/node_modules\/(?!commander\/)|http-client|node:http/);
    }
  });
});
