import { expect, test } from 'vitest';
import type { CallOutcome, CallPath, CallRequest, LoadRequest } from '../sandbox/call.ts';
import { ServingHosts } from './serving-hosts.ts';

/** Answers when it is told to. */
function idleHost() {
  const waiting: (() => void)[] = [];
  return {
    waiting,
    load: (_request: LoadRequest): Promise<unknown> => Promise.resolve(undefined),
    unload: (_hash: string): Promise<unknown> => Promise.resolve(undefined),
    replay: () => Promise.reject(new Error('nothing is replayed here')),
    call: () => new Promise<CallOutcome>((resolve) => waiting.push(() => resolve({ ok: true } as CallOutcome))),
  };
}

function request(path: CallPath, hash = 'a'.repeat(64)): CallRequest {
  return { path, hash } as CallRequest;
}

async function two() {
  const hosts = new ServingHosts();
  const sides = { one: idleHost(), two: idleHost() };
  await hosts.join('one', sides.one);
  await hosts.join('two', sides.two);
  return { hosts, counts: () => [sides.one.waiting.length, sides.two.waiting.length], sides };
}

test('calls on the asynchronous path are spread', async () => {
  const { hosts, counts } = await two();
  for (let call = 0; call < 10; call += 1) void hosts.call(request('async'));
  expect(counts()).toEqual([5, 5]);
});

test('calls on the synchronous path stay on their home host until it has enough', async () => {
  const { hosts, counts } = await two();
  for (let call = 0; call < 64; call += 1) void hosts.call(request('sync'));
  expect(counts().toSorted((a, b) => a - b)).toEqual([0, 64]);
  void hosts.call(request('sync'));
  expect(counts().toSorted((a, b) => a - b)).toEqual([1, 64]);
});

test('versions have different homes', async () => {
  const { hosts, counts } = await two();
  for (const digit of '0123456789abcdef') void hosts.call(request('sync', `a${digit}`.padEnd(64, '0')));
  expect(Math.min(...counts())).toBeGreaterThan(3);
});

test('a host that is to be avoided is, be it home or not', async () => {
  const { hosts, counts } = await two();
  for (let call = 0; call < 4; call += 1) void hosts.call(request('sync'), 'one');
  expect(counts()).toEqual([0, 4]);
});

test('a call finds its host again when that has gone', async () => {
  const { hosts, sides } = await two();
  hosts.leave('one', sides.one);
  for (let call = 0; call < 4; call += 1) void hosts.call(request('sync'));
  expect(sides.two.waiting).toHaveLength(4);
});

test('a version is loaded in one host after the other, and calls go where none is being loaded', async () => {
  const { hosts, sides, counts } = await two();
  const loads: { host: string; loaded: () => void }[] = [];
  const loadIn = (host: string) => () => new Promise<undefined>((resolve) => loads.push({ host, loaded: () => resolve(undefined) }));
  sides.one.load = loadIn('one');
  sides.two.load = loadIn('two');
  void hosts.call(request('async'), 'two');
  const all = hosts.load({ hash: 'b'.repeat(64) } as LoadRequest);
  expect(loads.map(({ host }) => host)).toEqual(['two']);
  for (let call = 0; call < 4; call += 1) void hosts.call(request('sync'));
  for (let call = 0; call < 4; call += 1) void hosts.call(request('async'));
  expect(counts()).toEqual([9, 0]);
  loads[0]?.loaded();
  await expect.poll(() => loads.map(({ host }) => host)).toEqual(['two', 'one']);
  void hosts.call(request('sync'));
  expect(counts()).toEqual([9, 1]);
  loads[1]?.loaded();
  await all;
});

test('where the only host is loading, it takes the calls all the same', async () => {
  const hosts = new ServingHosts();
  const host = { ...idleHost(), load: () => new Promise(() => undefined) };
  await hosts.join('one', host);
  void hosts.load({ hash: 'b'.repeat(64) } as LoadRequest);
  void hosts.call(request('sync'));
  expect(host.waiting).toHaveLength(1);
});

test('a host that ends while it loads is nobody’s failure', async () => {
  const { hosts, sides } = await two();
  sides.one.load = () => {
    hosts.leave('one', sides.one);
    return Promise.reject(new Error('gone'));
  };
  const first = { hash: 'b'.repeat(64) } as LoadRequest;
  await hosts.load(first);
  expect(hosts.isLoaded(first.hash)).toBe(true);
});

test('what one host refuses is loaded in none', async () => {
  const { hosts, sides } = await two();
  const inOne = new Set<string>();
  sides.one.load = ({ hash }: LoadRequest) => Promise.resolve(inOne.add(hash));
  sides.one.unload = (hash) => Promise.resolve(inOne.delete(hash));
  sides.two.load = () => Promise.reject(new Error('refused'));
  const hash = 'c'.repeat(64);
  await expect(hosts.load({ hash } as LoadRequest)).rejects.toThrow('refused');
  expect(hosts.isLoaded(hash)).toBe(false);
  expect(inOne).toEqual(new Set());
});

test('a call that must be alone waits until its host is empty, and others go elsewhere meanwhile', async () => {
  const { hosts, sides } = await two();
  const before = hosts.call(request('async'), 'two');
  void hosts.call(request('async'), 'one');
  void hosts.call(request('async'), 'one');
  // The less busy one, on which something is under way.
  const alone = hosts.callAlone(request('async'));
  const second = hosts.callAlone(request('async'));
  await new Promise((resolve) => setImmediate(resolve));
  expect([sides.one.waiting.length, sides.two.waiting.length]).toEqual([1, 2]);
  void hosts.call(request('async'));
  expect([sides.one.waiting.length, sides.two.waiting.length]).toEqual([1, 3]);
  sides.one.waiting.shift()?.();
  await before;
  await new Promise((resolve) => setImmediate(resolve));
  expect([sides.one.waiting.length, sides.two.waiting.length]).toEqual([1, 3]);
  void hosts.call(request('async'));
  expect([sides.one.waiting.length, sides.two.waiting.length]).toEqual([1, 4]);
  sides.one.waiting.shift()?.();
  expect((await alone).hostId).toBe('one');
  await new Promise((resolve) => setImmediate(resolve));
  expect(sides.one.waiting).toHaveLength(1);
  sides.one.waiting.shift()?.();
  expect((await second).hostId).toBe('one');
  // Free again.
  void hosts.call(request('async'));
  expect(sides.one.waiting).toHaveLength(1);
});

test('a call does not wait for a host where none is expected', async () => {
  let mayCome = false;
  const hosts = new ServingHosts(() => mayCome);
  await expect(hosts.call(request('sync'))).rejects.toMatchObject({ code: 'unavailable', retryAfterMs: 1_000 });
  mayCome = true;
  const waiting = hosts.call(request('sync'));
  const host = idleHost();
  await hosts.join('one', host);
  await expect.poll(() => host.waiting.length).toBe(1);
  host.waiting[0]?.();
  expect((await waiting).hostId).toBe('one');
});
