// The way from `npm start` to the pinned Node, in a project of its own with an npm of its own.
import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const here = path.dirname(import.meta.dirname);
const manifest = JSON.parse(readFileSync(path.join(here, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const BUNDLED = `node-${process.platform}-${process.arch}`;

/** Stands for npm: writes down that it was called, takes its time, makes node_modules as npm does. */
const NPM = `
import fs from 'node:fs';
import path from 'node:path';
fs.appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n');
await new Promise((resolve) => setTimeout(resolve, Number(process.env.NPM_MS ?? 0)));
if (process.env.NPM_FAILS) {
  console.log('npm error code EUSAGE');
  console.error('npm error Missing: left-pad from lock file');
  process.exit(1);
}
fs.rmSync('node_modules', { recursive: true, force: true });
const { packages } = JSON.parse(fs.readFileSync('package-lock.json', 'utf8'));
const bin = 'node_modules/${BUNDLED}/bin';
for (const name of Object.keys(packages).filter((name) => name !== '')) {
  fs.mkdirSync(name, { recursive: true });
  fs.writeFileSync(path.join(name, 'package.json'), '{}');
}
if (!process.env.NPM_OMITS_NODE) {
  fs.mkdirSync(bin, { recursive: true });
  fs.symlinkSync(process.env.REAL_NODE, path.join(bin, 'node'));
  fs.mkdirSync('node_modules/.bin', { recursive: true });
  fs.symlinkSync('../${BUNDLED}/bin/node', 'node_modules/.bin/node');
}
fs.writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages: Object.fromEntries(Object.entries(packages).filter(([name]) => name !== '')) }));
`;

let root: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'seed-launch-')));
  for (const file of ['scripts/run.mjs', 'scripts/launch.mjs', 'scripts/setup.mjs', 'bin/seed'])
    cpSync(path.join(here, file), path.join(root, file));
  mkdirSync(path.join(root, 'npm'));
  write('npm/npm-cli.js', NPM);
  write('npm/npm', `#!/bin/sh\nexec "${process.execPath}" "${root}/npm/npm-cli.js" "$@"\n`);
  chmodSync(path.join(root, 'npm/npm'), 0o755);
  write('package.json', '{"type":"module"}');
  lock('1.0.0');
  write('hello.ts', 'const text: string = process.argv.slice(2).join("|");\nconsole.log(`hello ${text}`);\n');
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }
  rmSync(root, { recursive: true, force: true });
});

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

function lock(version: string): void {
  write(
    'package-lock.json',
    JSON.stringify({
      packages: { '': {}, 'node_modules/left-pad': { version }, [`node_modules/${BUNDLED}`]: { version: '24.0.0', optional: true } },
    }),
  );
}

function npmCalls(): string[] {
  return existsSync(path.join(root, 'npm-calls')) ? readFileSync(path.join(root, 'npm-calls'), 'utf8').trim().split('\n') : [];
}

interface Run {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
}

function start(command: readonly string[], { env = {}, ...options }: SpawnOptions & { env?: Record<string, string> } = {}): Run {
  const [program = '', ...args] = command;
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/.test(name)));
  const child = spawn(program, args, {
    cwd: root,
    env: { ...inherited, PATH: `${root}/npm:${process.env['PATH']}`, REAL_NODE: process.execPath, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...options,
  });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return { child, stdout: () => stdout, stderr: () => stderr, ended };
}

function run(args: readonly string[], options: Parameters<typeof start>[1] = {}): Run {
  return start([process.execPath, 'scripts/run.mjs', ...args], options);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

describe('the set-up', () => {
  test('installs once, says so, and is silent afterwards', async () => {
    const first = await run(['hello.ts', 'a', 'b c']).ended;
    expect(first).toMatchObject({ code: 0, stdout: 'hello a|b c\n' });
    expect(first.stderr).toMatch(/^Setting up: npm ci .*\nSet up in \d+\.\d s\.\n$/);
    const second = await run(['hello.ts']).ended;
    expect(second).toMatchObject({ code: 0, stdout: 'hello \n', stderr: '' });
    expect(npmCalls()).toHaveLength(1);
    expect(npmCalls()[0]).toMatch(/^ci /);
  });

  test('two at once install once, and both run', async () => {
    const env = { NPM_MS: '500' };
    const runs = await Promise.all([run(['hello.ts', '1'], { env }).ended, run(['hello.ts', '2'], { env }).ended]);
    expect(runs.map(({ code, stdout }) => [code, stdout])).toEqual([
      [0, 'hello 1\n'],
      [0, 'hello 2\n'],
    ]);
    expect(npmCalls()).toHaveLength(1);
    expect(runs.map(({ stderr }) => stderr).join('')).toMatch(/Waiting for another installation \(process \d+\)/);
  });

  test('installs again when the lockfile says something else', async () => {
    await run(['hello.ts']).ended;
    lock('2.0.0');
    await run(['hello.ts']).ended;
    expect(npmCalls()).toHaveLength(2);
  });

  test('takes over what npm itself has installed, and a lockfile that was only touched', async () => {
    await run(['hello.ts']).ended;
    rmSync(path.join(root, 'node_modules/.seed-setup'));
    utimesSync(path.join(root, 'package-lock.json'), 1, 1);
    expect(await run(['hello.ts']).ended).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(path.join(root, 'node_modules/.seed-setup'))).toBe(true);
    expect(npmCalls()).toHaveLength(1);
  });

  test('does not take over what is incomplete', async () => {
    await run(['hello.ts']).ended;
    rmSync(path.join(root, 'node_modules/.seed-setup'));
    rmSync(path.join(root, 'node_modules/left-pad'), { recursive: true });
    await run(['hello.ts']).ended;
    expect(npmCalls()).toHaveLength(2);
  });

  test('uses the npm that has called it', async () => {
    const env = { PATH: '/nonexistent', npm_execpath: `${root}/npm/npm-cli.js`, npm_node_execpath: process.execPath };
    expect(await run(['hello.ts'], { env }).ended).toMatchObject({ code: 0 });
    expect(npmCalls()).toHaveLength(1);
  });

  test('a failed one shows what npm said and leaves the way free', async () => {
    const failed = await run(['hello.ts'], { env: { NPM_FAILS: '1' } }).ended;
    expect(failed).toMatchObject({ code: 1, stdout: '' });
    expect(failed.stderr).toContain('npm error code EUSAGE');
    expect(failed.stderr).toContain('npm error Missing: left-pad from lock file');
    expect(failed.stderr).toContain('npm ci failed (exit 1)');
    expect(await run(['hello.ts']).ended).toMatchObject({ code: 0 });
  });

  test('is not ours where there is no lockfile', async () => {
    rmSync(path.join(root, 'package-lock.json'));
    expect(await run(['hello.ts']).ended).toMatchObject({ code: 0, stderr: '' });
    expect(npmCalls()).toEqual([]);
  });

  test('without npm it says so', async () => {
    const failed = await run(['hello.ts'], { env: { PATH: '/nonexistent' } }).ended;
    expect(failed).toMatchObject({ code: 78, stdout: '' });
    expect(failed.stderr).toContain('npm was not found');
  });

  test('the lock of an installer that was killed is taken away', async () => {
    const killed = run(['hello.ts'], { env: { NPM_MS: '300' } });
    await until(() => npmCalls().length === 1);
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    expect(existsSync(path.join(root, '.seed-setup.lock'))).toBe(true);
    // Its npm still runs: it is waited for, and what it has installed is good.
    expect(await run(['hello.ts']).ended).toMatchObject({ code: 0, stdout: 'hello \n' });
    expect(npmCalls()).toHaveLength(1);
    expect(existsSync(path.join(root, '.seed-setup.lock'))).toBe(false);
  });

  test('an interrupted one ends npm and the start', async () => {
    const interrupted = run(['hello.ts'], { env: { NPM_MS: '60000' } });
    await until(() => npmCalls().length === 1);
    interrupted.child.kill('SIGTERM');
    expect(await interrupted.ended).toMatchObject({ code: 128 + constants.signals.SIGTERM, stdout: '' });
    expect(existsSync(path.join(root, '.seed-setup.lock'))).toBe(false);
  });
});

describe('the program', () => {
  beforeEach(async () => {
    write(
      'signals.ts',
      `let count = 0;
       for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => console.log(signal + ' ' + ++count));
       process.stdin.on('data', (text) => text.includes('q') && process.exit(count));
       console.log('ready');`,
    );
    await run(['hello.ts']).ended;
  });

  test('runs under the bundled Node, with our programs first on the PATH', async () => {
    write('where.ts', 'console.log(JSON.stringify([process.argv0, process.env.PATH, process.env.NODE_COMPILE_CACHE, process.cwd()]));');
    const { stdout } = await run(['where.ts']).ended;
    const [node, searched, cache, cwd] = JSON.parse(stdout) as string[];
    expect(node).toBe(path.join(root, 'node_modules', BUNDLED, 'bin', 'node'));
    expect(searched?.split(':')[0]).toBe(path.join(root, 'node_modules', '.bin'));
    expect(cache).toBe(path.join(root, 'node_modules', '.cache', 'compile'));
    expect(cwd).toBe(root);
  });

  test.each([
    ['process.exit(7)', { code: 7, signal: null }],
    ["process.kill(process.pid, 'SIGKILL')", { code: null, signal: 'SIGKILL' }],
    ["process.kill(process.pid, 'SIGTERM')", { code: null, signal: 'SIGTERM' }],
  ])('ends this process as it ends itself: %s', async (text, expected) => {
    write('end.ts', text);
    expect(await run(['end.ts']).ended).toMatchObject(expected);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('gets a %s that only the launcher got, once', async (signal) => {
    // A session of its own: no terminal, as under a service manager.
    const running = run(['signals.ts'], { detached: true });
    await until(() => running.stdout().includes('ready'));
    running.child.kill(signal);
    // npm sends another one when it got it too.
    running.child.kill(signal);
    await until(() => running.stdout().includes(signal));
    running.child.stdin?.write('q');
    expect(await running.ended).toMatchObject({ code: 1, stdout: `ready\n${signal} 1\n` });
  });

  test('gets a SIGTERM that npm gave to its shell', async () => {
    const { start: line = '', ...others } = manifest.scripts;
    for (const other of Object.values(others)) expect(other).toMatch(/^exec node scripts\/run\.mjs /);
    const shell = start(['sh', '-c', line.replace(/(scripts\/run\.mjs) \S+/, '$1 signals.ts')], { detached: true });
    await until(() => shell.stdout().includes('ready'));
    shell.child.kill('SIGTERM');
    await until(() => shell.stdout().includes('SIGTERM 1'));
    shell.child.stdin?.write('q');
    expect(await shell.ended).toMatchObject({ code: 1 });
  });

  test('gets a Ctrl-C at a terminal once, and another one later too', async () => {
    const terminal = start([
      'script',
      '--quiet',
      '--return',
      '--command',
      `exec '${process.execPath}' scripts/run.mjs signals.ts`,
      '/dev/null',
    ]);
    await until(() => terminal.stdout().includes('ready'));
    terminal.child.stdin?.write('\u0003');
    await until(() => terminal.stdout().includes('SIGINT 1'));
    // A second key press, and not the echo of the first that npm makes of it.
    await sleep(400);
    terminal.child.stdin?.write('\u0003');
    await until(() => terminal.stdout().includes('SIGINT 2'));
    terminal.child.stdin?.write('q\n');
    expect(await terminal.ended).toMatchObject({ code: 2 });
  });
});

describe('without a bundled Node', () => {
  const omitted = { NPM_OMITS_NODE: '1' };

  test('the running one is taken if it is new enough', async () => {
    expect(await run(['hello.ts'], { env: omitted }).ended).toMatchObject({ code: 0, stdout: 'hello \n' });
  });

  test('else it says what to install', async () => {
    const old = 'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})';
    const refused = await start([process.execPath, '--import', old, 'scripts/run.mjs', 'hello.ts'], { env: omitted }).ended;
    expect(refused).toMatchObject({ code: 78, stdout: '' });
    expect(refused.stderr).toContain('needs Node 24 or newer; this is Node 20.1.0');
  });
});

describe('bin/seed', () => {
  beforeEach(() => write('src/cli.ts', 'console.log(JSON.stringify([process.pid, process.cwd(), ...process.argv.slice(2)]));'));

  test('works from anywhere, through a link, and needs no second process once it is set up', async () => {
    symlinkSync(path.join(root, 'bin/seed'), path.join(root, 'npm/seed-link'));
    const anywhere = realpathSync(tmpdir());
    const first = await start([path.join(root, 'npm/seed-link'), 'agents:list'], { cwd: anywhere }).ended;
    expect(JSON.parse(first.stdout)).toEqual([expect.any(Number), anywhere, 'agents:list']);
    expect(npmCalls()).toHaveLength(1);

    const second = start([path.join(root, 'npm/seed-link'), 'agents:list', '--filter', "a b 'c'"], { cwd: anywhere });
    const { stdout, stderr } = await second.ended;
    expect(JSON.parse(stdout)).toEqual([second.child.pid, anywhere, 'agents:list', '--filter', "a b 'c'"]);
    expect(stderr).toBe('');

    const byNode = await start([process.execPath, 'bin/seed', 'x']).ended;
    expect(JSON.parse(byNode.stdout)).toEqual([expect.any(Number), root, 'x']);
  });

  test('sets up again when the lockfile is newer', async () => {
    await start(['bin/seed']).ended;
    lock('2.0.0');
    const { mtimeMs } = statSync(path.join(root, 'package-lock.json'));
    utimesSync(path.join(root, 'package-lock.json'), mtimeMs / 1000 + 10, mtimeMs / 1000 + 10);
    expect(await start(['bin/seed']).ended).toMatchObject({ code: 0 });
    expect(npmCalls()).toHaveLength(2);
  });
});
