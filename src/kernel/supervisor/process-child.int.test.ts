// Real processes under a supervisor: ready or not, asked or killed, and recorded while they run.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { identifyProcess } from '#lib/process-identity.ts';

import type { SupervisorEvent } from './event.ts';
import { processChild, type ProcessChildOptions } from './process-child.ts';
import { ProcessRegistry } from './process-registry.ts';
import { Supervisor } from './supervisor.ts';

let folder: string;
let events: SupervisorEvent[];
let supervisor: Supervisor;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'process-child-'));
  events = [];
});

afterEach(async () => {
  supervisor.kill();
  await supervisor.exited;
  rmSync(folder, { recursive: true });
});

/** A supervisor over a Node process that runs this script and is ready when it has written something to its output. */
function over(script: string, options: Partial<ProcessChildOptions> & { shutdownMs?: number } = {}): Supervisor {
  const { shutdownMs = 5000, ...rest } = options;
  const start = processChild({
    command: process.execPath,
    args: () => ['-e', script],
    spawn: { env: {}, stdio: ['ignore', 'pipe', 'inherit'] },
    ready: async (handle) => void (await once(handle.pipe(1), 'data')),
    registry: new ProcessRegistry({
      folder,
      onError: (error) => {
        throw error;
      },
    }),
    ...rest,
  });
  supervisor = new Supervisor({ id: 'top', onEvent: (event) => events.push(event), children: [{ id: 'p', shutdownMs, start }] });
  return supervisor;
}

const RUN = 'console.log("ready"); setInterval(() => {}, 1000);';

const exits = () => events.flatMap((event) => (event.type === 'exit' ? [event] : []));

test('is recorded and described while it runs, and ends on SIGTERM', async () => {
  await over(RUN).start();
  expect(supervisor.describe().children?.[0]).toMatchObject({ id: 'p', status: 'running', pid: expect.any(Number) });
  expect(readdirSync(folder)).toHaveLength(identifyProcess(process.pid) === null ? 0 : 1);
  expect(await supervisor.stop()).toEqual({ kind: 'shutdown' });
  expect(exits()).toMatchObject([{ asked: true, reason: { kind: 'shutdown' } }]);
  expect(readdirSync(folder)).toEqual([]);
});

test('one that does not end when asked is killed', async () => {
  await over(`process.on('SIGTERM', () => {}); ${RUN}`, { shutdownMs: 100 }).start();
  await supervisor.stop();
  expect(exits()).toMatchObject([{ asked: true, reason: { kind: 'killed' } }]);
});

test('one that crashes is started again, with the reason', async () => {
  await over(RUN).start();
  process.kill(supervisor.describe().children?.[0]?.pid ?? 0, 'SIGSEGV');
  await vi.waitUntil(() => events.some(({ type }) => type === 'restart'), { timeout: 10_000 });
  expect(exits()).toMatchObject([{ asked: false, reason: { kind: 'error', message: 'signal SIGSEGV' } }]);
});

test.each([
  ['exits before it is ready', 'process.exit(4)', {}, 'ended before it was ready (error: exit code 4)'],
  ['is not ready in time', 'setInterval(() => {}, 1000)', { readyTimeoutMs: 50 }, 'was not ready after 50 ms'],
  ['does not exist', '', { command: '/nowhere/program' }, 'there is no such program'],
])('one that %s has failed to start, and leaves nothing', async (_, script, options, message) => {
  await expect(over(script, options).start()).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining(message) });
  await vi.waitUntil(() => readdirSync(folder).length === 0, { timeout: 10_000 });
});

test('a start that is given up ends its process', async () => {
  let pid = 0;
  const started = over('setInterval(() => {}, 1000)', {
    ready: (handle) => {
      ({ pid } = handle);
      return new Promise(() => {});
    },
  }).start();
  const settled = Promise.allSettled([started]);
  await vi.waitUntil(() => pid !== 0);
  await supervisor.stop();
  expect(await settled).toMatchObject([{ reason: { message: expect.stringContaining('given up') } }]);
  await vi.waitUntil(() => identifyProcess(pid) === null, { timeout: 10_000 });
});
