// A host's beginning and its end: it never outlives its parent, and it is never waited for in vain.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { parentDeathSignal } from '#lib/process.ts';
import { identifyProcess } from '#lib/process-identity.ts';
import { withoutOsLayer } from './os-layer.ts';
import { strippedProgram } from './host-program.ts';
import { SandboxHost } from './sandbox-host.ts';
import { callRequest, loadRequest, moduleOf, outputOf, startTestHost } from './test-host.ts';
import { openUnlinkedFile } from './unlinked-file.ts';

const WAIT = { timeout: 15_000, interval: 10 };
const JS = moduleOf(
  'handle: (input) => input, loop() { for (;;); }, big() { let x = 3n; for (;;) x = x * x; }, slow: (input, ctx) => ctx.state.get()',
);

test('what lives for milliseconds leaves the cores to calls, in all of its threads', async () => {
  const nicenessOf = (host: SandboxHost): Set<number> => {
    const stats = readdirSync(`/proc/${host.pid}/task`).map((id) => readFileSync(`/proc/${host.pid}/task/${id}/stat`, 'utf8'));
    return new Set(stats.map((stat) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])));
  };
  await using validator = await SandboxHost.start({ shortLived: true });
  expect(nicenessOf(validator)).toEqual(new Set([Math.min(19, getPriority() + 10)]));
  expect(nicenessOf(await startTestHost())).toEqual(new Set([getPriority()]));
});

test('a stopped host is found out while it has work, and ended', async () => {
  const host = await startTestHost();
  await host.load(loadRequest(JS));
  process.kill(host.pid, 'SIGSTOP');
  const outcome = await host.call(callRequest(1));
  expect(outcome).toMatchObject({ ok: false, failure: 'host_lost', suspect: false });
  expect(await host.exited).toMatchObject({ signal: 'SIGKILL' });
  expect(await host.call(callRequest(1))).toMatchObject({ failure: 'host_lost', suspect: false });
});

test('a stopped host without work is found out too', async () => {
  const host = await startTestHost();
  process.kill(host.pid, 'SIGSTOP');
  expect(await host.exited).toMatchObject({ signal: 'SIGKILL' });
});

test('a host that is closed takes nobody with it: its calls may be run again', async () => {
  const host = await startTestHost();
  await host.load(loadRequest(JS, { limits: { cpuMs: 20_000, deadlineMs: 30_000 } }));
  const calls = [host.call(callRequest(0, { exportName: 'loop' })), host.call(callRequest(0))];
  const work = [
    host.load(loadRequest(JS, { hash: 'v2' })),
    host.evaluateScript({ js: 'var __seed_module = { value: 1 };', entry: 'value', deadlineMs: 1000, memoryMb: 32 }),
  ];
  for (const promise of work) promise.catch(() => {});
  await host.close();
  for (const call of calls) expect(await call).toMatchObject({ failure: 'host_lost', suspect: false, suspects: 0 });
  for (const promise of work) await expect(promise).rejects.toMatchObject({ code: 'unavailable' });
  await expect(host.load(loadRequest(JS, { hash: 'v3' }))).rejects.toMatchObject({ code: 'unavailable' });
  await host.close();
});

test('every call settles once, whenever the host is killed', async () => {
  for (let round = 0; round < 4; round += 1) {
    const host = await startTestHost();
    await host.load(loadRequest(JS));
    const settled: boolean[] = [];
    const calls = Array.from({ length: 200 }, async (_, n) => {
      const outcome = await host.call(
        callRequest(n, { path: n % 2 === 0 ? 'sync' : 'async', exportName: n % 3 === 0 ? 'slow' : 'handle' }),
      );
      settled.push(outcome.ok);
      return outcome;
    });
    await vi.waitFor(() => expect(settled.length).toBeGreaterThan(round * 40), { ...WAIT, interval: 0 });
    host.kill();
    for (const outcome of await Promise.all(calls)) {
      if (!outcome.ok) expect(outcome).toMatchObject({ failure: 'host_lost', hadRequests: false });
    }
    expect(settled.length).toBe(200);
  }
});

test('a host says with what it ended', async () => {
  const host = await startTestHost();
  process.kill(host.pid, 'SIGSEGV');
  expect(await host.exited).toMatchObject({ signal: 'SIGSEGV' });
});

describe('whose version ended it', () => {
  test.each([
    ['dies of it', 'return "a".repeat(5e8).split("").length;'],
    // It has been told its end before the isolate, which does not listen, takes the host along.
    ['is stuck in native code', 'let x = 3n; for (;;) x = x * x;'],
  ])('one that %s', async (_, code) => {
    const host = await startTestHost();
    await host.load(loadRequest(moduleOf('handle: () => 1'), { hash: 'good' }));
    await host.load(loadRequest(moduleOf(`handle: () => { ${code} }`), { hash: 'bad', limits: { cpuMs: 200, deadlineMs: 2_000 } }));
    expect(outputOf(await host.call(callRequest(0, { hash: 'good' })))).toBe(1);
    expect((await host.call(callRequest(0, { hash: 'bad' }))).ok).toBe(false);
    await host.exited;
    expect(host.culprit).toBe('bad');
  });

  test('nobody, when it was killed by somebody else or closed', async () => {
    const [killed, closed] = [await startTestHost(), await startTestHost()];
    for (const host of [killed, closed]) {
      await host.load(loadRequest(moduleOf('handle: () => { for (;;) {} }'), { limits: { cpuMs: 60_000, deadlineMs: 60_000 } }));
    }
    const calls = [killed, closed].map((host) => host.call(callRequest(0)));
    // Both at once: one that does not answer for long is ended while the other is waited for.
    await Promise.all([killed, closed].map((host) => vi.waitFor(() => expect(host.stats().executing).toBe(1), WAIT)));
    killed.kill();
    await closed.close();
    await Promise.all(calls);
    for (const host of [killed, closed]) {
      await host.exited;
      expect(host.culprit).toBeNull();
    }
  });
});

test('a host that does not become ready is ended, and its start fails', async () => {
  await expect(SandboxHost.start({ readyTimeoutMs: 1 })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('did not become ready'),
  });
});

test('a host whose parent went before it could be told of it ends at once', async () => {
  const host = await startTestHost({ layer: withoutOsLayer });
  const [program = '', ...args] = readFileSync(`/proc/${host.pid}/cmdline`, 'latin1').split('\0').slice(0, -1);
  const firstWords = async (parentPid: number): Promise<string> => {
    const blackBox = openUnlinkedFile();
    const hostProgram = strippedProgram(new URL('./host-entry.ts', import.meta.url));
    const stdio = ['ignore', 'ignore', 'inherit', 'pipe', blackBox, hostProgram] as const;
    const command = args.map((argument) => (argument === String(process.pid) ? String(parentPid) : argument));
    const child = spawn(program, command, { env: {}, stdio: [...stdio] });
    for (const fd of [blackBox, hostProgram]) closeSync(fd);
    const exit = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(String(signal ?? code))));
    const ready = new Promise<string>((resolve) => child.stdio[3]!.once('data', (bytes) => resolve(String(bytes))));
    const first = await Promise.race([ready, exit]);
    child.kill('SIGKILL');
    await exit;
    return first;
  };
  expect(await firstWords(process.pid)).toBe('ready\n');
  // Somebody else is in the parent's place.
  expect(await firstWords(1)).toBe('SIGKILL');
});

test('a host ends with a parent that is killed, an idle one too', async () => {
  const { pids } = await startParent('idle');
  await vi.waitFor(() => expect(pids.host !== undefined && pids.busy).toBe(true), WAIT);
  process.kill(pids.parent, 'SIGKILL');
  await vi.waitFor(() => expect(identifyProcess(pids.host!)).toBeNull(), WAIT);
});

test.runIf(parentDeathSignal())('a host ends with a parent that is killed even while native code holds its thread', async () => {
  const { pids } = await startParent('big');
  await vi.waitFor(() => expect(pids.host !== undefined && pids.busy).toBe(true), WAIT);
  process.kill(pids.parent, 'SIGKILL');
  await vi.waitFor(() => expect(identifyProcess(pids.host!)).toBeNull(), WAIT);
});

test.runIf(process.platform === 'linux')('nothing of a host is left when it is said to have ended, for anybody to reap', async () => {
  const stop = ({ pid }: SandboxHost): Promise<void> => {
    for (const one of upTo(process.pid, pid)) process.kill(one, 'SIGSTOP');
    return vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'latin1')).toMatch(/\) T /), WAIT);
  };
  for (const before of [() => {}, stop]) {
    const host = await startTestHost();
    const processes = upTo(process.pid, host.pid);
    await before(host);
    await host.close();
    expect(processes.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  }
  const host = await startTestHost();
  const processes = upTo(process.pid, host.pid);
  process.kill(host.pid, 'SIGKILL');
  await host.exited;
  expect(existsSync(`/proc/${host.pid}`)).toBe(false);
  // bubblewrap's inner process goes a moment after its outer one then.
  await vi.waitFor(() => expect(processes.flatMap((pid) => identifyProcess(pid) ?? [])).toEqual([]), WAIT);
});

test.runIf(process.platform === 'linux')('no two hosts hold the same file: one that was taken over could write into it', async () => {
  const hosts = [await startTestHost(), await startTestHost()];
  const filesOf = ({ pid }: SandboxHost): number[] =>
    readdirSync(`/proc/${pid}/fd`)
      .map((fd) => statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false }))
      .flatMap((file) => (file?.isFile() ? file.ino : []));
  const [one = [], other = []] = hosts.map(filesOf);
  expect(one).toHaveLength(2);
  expect(one.filter((inode) => other.includes(inode))).toEqual([]);
});

test('starting leaves no descriptor behind', async () => {
  const open = (): number => readdirSync('/proc/self/fd').length;
  await (await startTestHost()).close();
  const before = open();
  for (let round = 0; round < 3; round += 1) {
    const host = await startTestHost();
    await host.load(loadRequest(JS));
    expect(outputOf(await host.call(callRequest(round)))).toBe(round);
    await host.close();
  }
  await vi.waitFor(() => expect(open()).toBeLessThanOrEqual(before), WAIT);
});

/** A process with a host of its own that does `what`; says on its standard output which pids there are. */
async function startParent(what: 'idle' | 'big'): Promise<{ pids: { parent: number; host?: number; busy: boolean } }> {
  const folder = import.meta.dirname;
  const script = `
    const { SandboxHost } = await import(${JSON.stringify(join(folder, 'sandbox-host.ts'))});
    const { callLimitsSchema } = await import(${JSON.stringify(join(folder, '../compiler/contract.ts'))});
    const host = await SandboxHost.start();
    console.log(JSON.stringify({ host: host.pid }));
    const limits = { ...callLimitsSchema.parse({}), cpuMs: 60000, deadlineMs: 300000 };
    await host.load({ hash: 'v1', agent: 'a', js: ${JSON.stringify(JS)}, limits, isolation: 'version', capabilities: ['state'] });
    const call = (exportName, path) => host.call({ id: 'c', hash: 'v1', exportName, inputJson: '1', key: null, timeMs: 0, seed: 0, path, principalJson: '{}', onRequest: async () => 'null' });
    if (${JSON.stringify(what)} === 'big') void call('big', 'async');
    else await call('handle', 'sync');
    console.log(JSON.stringify({ busy: true }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids: { parent: number; host?: number; busy: boolean } = { parent: child.pid!, busy: false };
  onTestFinished(() => {
    child.kill('SIGKILL');
    if (pids.host !== undefined && identifyProcess(pids.host) !== null) process.kill(pids.host, 'SIGKILL');
  });
  createInterface({ input: child.stdout }).on('line', (line) => Object.assign(pids, JSON.parse(line)));
  return { pids };
}

test('a host that has much to say, to a parent that is slow to listen, is not taken for one that hangs', async () => {
  const host = await startTestHost();
  const js = moduleOf(
    "async handle(input, ctx) { for (let n = 0; n < 80; n += 1) await ctx.state.set('x'.repeat(100_000)); return 'said'; }",
  );
  await host.load(loadRequest(js, { limits: { cpuMs: 10_000, deadlineMs: 30_000 } }));
  const slow = (): Promise<string> => {
    const untilMs = performance.now() + 12;
    while (performance.now() < untilMs);
    return Promise.resolve('null');
  };
  for (let round = 0; round < 3; round += 1) expect(outputOf(await host.call(callRequest(1, { onRequest: slow })))).toBe('said');
});

/** The processes from `pid` up to the one below `ancestor`. */
function upTo(ancestor: number, pid: number): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  return parent === ancestor ? [pid] : [pid, ...upTo(ancestor, parent)];
}
