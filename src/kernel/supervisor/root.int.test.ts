// The whole of main.ts with a node that does what it is told: crashes, drains, asks for a restart, or hangs.
import { copyFileSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { EXIT_CODE } from '#lib/exit-code.ts';
import { parentDeathSignal, spawnProcess, type ChildHandle } from '#lib/process.ts';
import { identifyProcess } from '#lib/process-identity.ts';

/** Its first argument is what it does in each of its lives; the last one is for all that follow. */
const NODE = `
  import { takeRootArgument } from '#kernel/supervisor/root-link.ts';
  const { root, args: [lives, ...rest] } = takeRootArgument(process.argv.slice(2));
  const list = lives.split(',');
  const [act, code] = (list[root.restarts] ?? list.at(-1)).split(':');
  process.on('SIGTERM', () => {
    console.log('draining');
    if (act === 'run') process.exit(0);
    if (act === 'fail') process.exit(1);
  });
  console.log('up', process.pid, root.restarts, root.pid === process.ppid, root.lastExit?.message ?? '-', ...rest);
  if (act === 'exit') process.exit(Number(code));
  if (act === 'loop') for (;;);
  setInterval(() => {}, 1000);`;

let folder: string;

beforeAll(() => {
  const source = join(import.meta.dirname, '../..');
  folder = mkdtempSync(join(tmpdir(), 'root-'));
  copyFileSync(join(source, 'main.ts'), join(folder, 'main.ts'));
  symlinkSync(join(source, 'kernel'), join(folder, 'kernel'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', imports: { '#kernel/*': './kernel/*' } }));
  writeFileSync(join(folder, 'node.ts'), NODE);
});

afterAll(() => rmSync(folder, { recursive: true }));

class Root implements AsyncDisposable {
  readonly process: ChildHandle;
  readonly lines: string[] = [];
  readonly reports: string[] = [];

  constructor(...args: string[]) {
    this.process = spawnProcess(process.execPath, ['--no-deprecation', join(folder, 'main.ts'), ...args], { env: {} });
    createInterface(this.process.pipe(1)).on('line', (line) => this.lines.push(line));
    createInterface(this.process.pipe(2)).on('line', (line) => this.reports.push(JSON.parse(line).msg));
  }

  /** The node's lives so far, as it announced them. */
  get lives(): readonly { pid: number; rest: string }[] {
    return this.lines
      .filter((line) => line.startsWith('up'))
      .map((line) => ({ pid: Number(line.split(' ')[1]), rest: line.split(' ').slice(2).join(' ') }));
  }

  async until(condition: () => boolean): Promise<void> {
    await vi.waitUntil(condition, { timeout: 20_000, interval: 5 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    for (const { pid } of this.lives) await this.until(() => identifyProcess(pid) === null);
  }
}

test('a node that crashes is started again, with its arguments, and told why', async () => {
  await using root = new Root('exit:3,run', '--no-demo');
  await root.until(() => root.lives.length === 2);
  expect(root.lives.map(({ rest }) => rest)).toEqual(['0 true - --no-demo', '1 true exit code 3 --no-demo']);
  expect(root.reports).toEqual(['the node ended (error: exit code 3)']);
});

test('a node that fails too often ends the root, visibly', async () => {
  await using root = new Root('exit:1');
  expect(await root.process.exited).toEqual({ code: EXIT_CODE.tooManyRestarts, signal: null });
  expect(root.lives).toHaveLength(6);
  expect(root.reports.at(-1)).toBe('the node failed more than 5 times in 60 s: giving up');
});

test.each([EXIT_CODE.configuration, EXIT_CODE.doNotRestart])('exit code %i is passed on without a restart', async (code) => {
  await using root = new Root(`exit:${code}`);
  expect(await root.process.exited).toEqual({ code, signal: null });
  expect(root.lives).toHaveLength(1);
});

test('a restart that the node asks for is not counted as a failure', async () => {
  await using root = new Root(`${Array(8).fill(`exit:${EXIT_CODE.restart}`).join(',')},run`);
  await root.until(() => root.lives.length === 9);
  expect(new Set(root.reports)).toEqual(new Set(['the node asked to be restarted']));
  root.process.kill('SIGTERM');
  expect(await root.process.exited).toEqual({ code: 0, signal: null });
});

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s drains the node', async (signal) => {
  await using root = new Root('run');
  await root.until(() => root.lives.length === 1);
  root.process.kill(signal);
  expect(await root.process.exited).toEqual({ code: 0, signal: null });
  await root.until(() => root.lines.at(-1) === 'draining');
  expect(root.reports).toEqual([]);
});

test('a node that fails while it drains is a failure of the root', async () => {
  await using root = new Root('fail');
  await root.until(() => root.lives.length === 1);
  root.process.kill('SIGTERM');
  expect(await root.process.exited).toEqual({ code: EXIT_CODE.failure, signal: null });
  expect(root.reports).toEqual(['the node did not end in good order (error: exit code 1)']);
});

test('a second SIGINT ends all at once, but the echo of the first does not', async () => {
  await using root = new Root('slow');
  await root.until(() => root.lives.length === 1);
  for (let count = 0; count < 3; count += 1) root.process.kill('SIGINT');
  await root.until(() => root.lines.includes('draining') && root.reports.length === 1);
  expect(root.reports).toEqual(['SIGINT: the node finishes what it has begun; SIGINT (Ctrl-C) ends it now']);
  root.process.kill('SIGINT');
  expect(await root.process.exited).toEqual({ code: EXIT_CODE.interrupted, signal: null });
});

test.runIf(parentDeathSignal()).each(['run', 'loop'])('kill -9 of the root leaves no orphan (%s)', async (act) => {
  await using root = new Root(act);
  await root.until(() => root.lives.length === 1);
  const [pid = 0] = root.lives.map((life) => life.pid);
  expect(identifyProcess(pid)).not.toBeNull();
  root.process.kill('SIGKILL');
  await root.process.exited;
  await root.until(() => identifyProcess(pid) === null);
});
