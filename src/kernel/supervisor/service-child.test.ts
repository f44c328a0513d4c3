// Services in this process under a supervisor: their own end, their orderly end, and being abandoned.
import { setImmediate as nextTurn } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { ManualClock } from './manual-clock.ts';
import { serviceChild, type Service } from './service-child.ts';
import type { SupervisorEvent } from './event.ts';
import { Supervisor } from './supervisor.ts';

/** A supervisor over one service, which each start makes anew. */
function over(make: (signal: AbortSignal) => Service, flags: { restart?: 'transient'; intensity?: number } = {}) {
  const clock = new ManualClock();
  const events: SupervisorEvent[] = [];
  const { restart = 'permanent', intensity = 1 } = flags;
  const start = serviceChild(({ signal }) => make(signal));
  const supervisor = new Supervisor({
    id: 'top',
    intensity,
    clock,
    onEvent: (event) => events.push(event),
    children: [{ id: 's', restart, shutdownMs: 100, start }],
  });
  return { clock, events, supervisor };
}

test('is closed when it is asked to end', async () => {
  let closed = 0;
  const { events, supervisor } = over(() => ({ close: async () => void (closed += 1) }));
  await supervisor.start();
  await supervisor.stop();
  expect(closed).toBe(1);
  expect(events.at(-1)).toMatchObject({ type: 'exit', asked: true, reason: { kind: 'shutdown' } });
});

test('a close that throws is an error, and does not keep the supervisor from ending', async () => {
  const { events, supervisor } = over(() => ({
    close: () => {
      throw new Error('stuck');
    },
  }));
  await supervisor.start();
  expect(await supervisor.stop()).toEqual({ kind: 'shutdown' });
  expect(events.at(-1)).toMatchObject({ type: 'exit', reason: { kind: 'error', message: 'stuck' } });
});

test('one that does not close in time is abandoned, and told so', async () => {
  let signal = AbortSignal.abort();
  const { clock, events, supervisor } = over((given) => {
    signal = given;
    return { close: () => new Promise<void>(() => {}) };
  });
  await supervisor.start();
  supervisor.shutdown();
  await nextTurn();
  expect(signal.aborted).toBe(false);
  clock.advance(100);
  await supervisor.exited;
  expect(signal.aborted).toBe(true);
  expect(events.at(-1)).toMatchObject({ type: 'exit', asked: true, reason: { kind: 'killed', message: 'abandoned' } });
});

test.each([
  ['rejects', (end: PromiseWithResolvers<void>) => end.reject(new Error('lost')), 2, { kind: 'error', message: 'lost' }],
  ['resolves', (end: PromiseWithResolvers<void>) => end.resolve(), 1, { kind: 'normal' }],
])('one whose exited %s is closed before a transient one is (or is not) started again', async (_, finish, lives, reason) => {
  const log: string[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const { events, supervisor } = over(
    () => {
      log.push('open');
      const end = Promise.withResolvers<void>();
      ends.push(end);
      return { exited: end.promise, close: () => void log.push('close') };
    },
    { restart: 'transient' },
  );
  await supervisor.start();
  for (const end of ends) finish(end);
  await nextTurn();
  expect(log).toEqual(['open', 'close', 'open'].slice(0, lives + 1));
  expect(events.find(({ type }) => type === 'exit')).toMatchObject({ asked: false, reason });
  await supervisor.stop();
});

test('one that ended and can not release what it holds is abandoned after five seconds', async () => {
  const { clock, events, supervisor } = over(
    () => ({ exited: Promise.reject(new Error('lost')), close: () => new Promise<void>(() => {}) }),
    { intensity: 0 },
  );
  await supervisor.start();
  await nextTurn();
  clock.advance(5000);
  await supervisor.exited;
  expect(events.find(({ type }) => type === 'exit')).toMatchObject({ reason: { kind: 'killed' } });
});

test('a service that comes into being after its start was given up is closed', async () => {
  const opened = Promise.withResolvers<Service>();
  let closed = 0;
  const supervisor = new Supervisor({ id: 'top', children: [{ id: 's', start: serviceChild(() => opened.promise) }] });
  const started = Promise.allSettled([supervisor.start()]);
  await nextTurn();
  await supervisor.stop();
  expect(await started).toMatchObject([{ status: 'rejected', reason: { message: expect.stringContaining('given up') } }]);
  opened.resolve({ close: () => void (closed += 1) });
  await nextTurn();
  expect(closed).toBe(1);
});
