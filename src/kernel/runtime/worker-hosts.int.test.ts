import { expect, onTestFinished, test, vi } from 'vitest';
import { systemClock } from '../supervisor/clock.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { serviceChild } from '../supervisor/service-child.ts';
import { WorkerHosts } from './worker-hosts.ts';

interface Host {
  id: string;
  die: () => void;
}

interface Made {
  size: number;
  idleMs?: number;
  maxWork?: number;
  isReplaced?: boolean;
  queueLimit?: number;
  beforeStart?: () => Promise<void>;
}

async function make({ beforeStart, ...options }: Made) {
  const supervisor = new Supervisor({ id: 'work', children: [] });
  await supervisor.start();
  const hosts: WorkerHosts<Host> = new WorkerHosts<Host>({
    name: 'worker',
    supervisor: () => supervisor,
    idleMs: 60_000,
    queueLimit: 100,
    ...options,
    start: async (id) => {
      await beforeStart?.();
      const ended = Promise.withResolvers<void>();
      const start = serviceChild(() => ({ exited: ended.promise, close: () => undefined }));
      const child = await start({ signal: new AbortController().signal, path: [id], clock: systemClock, onEvent: () => undefined });
      if (child === 'ignore') throw new Error('a service is never ignored');
      return { host: { id, die: ended.resolve }, child };
    },
  });
  onTestFinished(async () => {
    await hosts.close();
    await supervisor.stop();
  });
  return hosts;
}

test('starts no more hosts than it may, one piece of work at a time on each, and uses them again', async () => {
  const hosts = await make({ size: 2 });
  const busy = new Set<string>();
  const seen = new Set<string>();
  await Promise.all(
    Array.from({ length: 10 }, () =>
      hosts.use(async ({ id }) => {
        expect(busy.has(id)).toBe(false);
        busy.add(id);
        seen.add(id);
        await new Promise((resolve) => setImmediate(resolve));
        busy.delete(id);
      }),
    ),
  );
  expect(seen.size).toBe(2);
  expect(hosts.count).toBe(2);
});

test('ends a host that has had nothing to do, and starts another when there is something again', async () => {
  const hosts = await make({ size: 1, idleMs: 20 });
  const first = await hosts.use(({ id }) => Promise.resolve(id));
  await vi.waitFor(() => expect(hosts.count).toBe(0), { timeout: 10_000 });
  expect(await hosts.use(({ id }) => Promise.resolve(id))).not.toBe(first);
});

test('replaces a host after so much work', async () => {
  const hosts = await make({ size: 1, maxWork: 2 });
  const ids: string[] = [];
  for (let n = 0; n < 4; n += 1) ids.push(await hosts.use(({ id }) => Promise.resolve(id)));
  expect(new Set(ids).size).toBe(2);
});

test('where hosts are replaced, the next is there before there is work for it: after a death, and after so much work', async () => {
  const hosts = await make({ size: 1, maxWork: 2, isReplaced: true });
  const first = await hosts.use(({ id, die }) => Promise.resolve(die()).then(() => id));
  await vi.waitFor(() => expect(hosts.count).toBe(1), { timeout: 10_000 });
  const ids = [await hosts.use(({ id }) => Promise.resolve(id)), await hosts.use(({ id }) => Promise.resolve(id))];
  expect(new Set([first, ...ids]).size).toBe(2);
  await vi.waitFor(() => expect(hosts.count).toBe(1), { timeout: 10_000 });
  expect(ids).not.toContain(await hosts.use(({ id }) => Promise.resolve(id)));
});

test('where hosts are replaced, one that ended for idleness is not, nor one that never had work', async () => {
  const hosts = await make({ size: 1, idleMs: 20, isReplaced: true });
  const first = await hosts.use(({ id }) => Promise.resolve(id));
  await vi.waitFor(() => expect(hosts.count).toBe(0), { timeout: 10_000 });
  const ids = [first, await hosts.use(({ id, die }) => Promise.resolve(die()).then(() => id))];
  // Its successor ends of idleness without ever having had work, and that is the end of it.
  await vi.waitFor(() => expect(hosts.count).toBe(0), { timeout: 10_000 });
  expect(await hosts.use(({ id }) => Promise.resolve(id))).toBe('worker-4');
  expect(ids).toEqual(['worker-1', 'worker-2']);
});

test('who waits for a host that then can not be started has one started in its turn, or is told why not', async () => {
  const successor = Promise.withResolvers<void>();
  const starts = [
    () => Promise.resolve(),
    () => successor.promise,
    () => Promise.reject(new Error('no more processes')),
    () => Promise.resolve(),
  ];
  const hosts = await make({ size: 1, isReplaced: true, beforeStart: () => starts.shift()!() });
  await hosts.use(({ die }) => Promise.resolve(die()));
  await vi.waitFor(() => expect(starts).toHaveLength(2));
  const waiting = [hosts.use(({ id }) => Promise.resolve(id)), hosts.use(({ id }) => Promise.resolve(id))];
  successor.reject(new Error('not this one'));
  const ends = await Promise.allSettled(waiting);
  expect(ends).toMatchObject([
    { reason: { code: 'unavailable', message: expect.stringContaining('no more processes') } },
    { value: 'worker-4' },
  ]);
});

test('a host that died is not used again, and work that fails gives its host back', async () => {
  const hosts = await make({ size: 1 });
  const first = await hosts.use(async ({ id, die }) => {
    die();
    await vi.waitFor(() => expect(hosts.count).toBe(0));
    return id;
  });
  await expect(hosts.use(() => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
  expect(await hosts.use(({ id }) => Promise.resolve(id))).not.toBe(first);
  expect(hosts.count).toBe(1);
});

test('refuses work when too much waits, and when it is closed', async () => {
  const hosts = await make({ size: 1, queueLimit: 1 });
  const gate = Promise.withResolvers<void>();
  const running = hosts.use(() => gate.promise);
  const waiting = hosts.use(() => Promise.resolve('late'));
  await expect(hosts.use(() => Promise.resolve())).rejects.toMatchObject({ code: 'queue_full' });
  gate.resolve();
  await running;
  expect(await waiting).toBe('late');
  await hosts.close();
  await expect(hosts.use(() => Promise.resolve())).rejects.toMatchObject({ code: 'unavailable' });
});
