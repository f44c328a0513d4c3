import { expect, test } from 'vitest';
import { BackOff } from './back-off.ts';
import type { RunningChild } from './child.ts';
import { ManualClock } from './manual-clock.ts';
import { serviceChild } from './service-child.ts';
import { Supervisor } from './supervisor.ts';
import { supervisorChild } from './supervisor-child.ts';

/** A supervisor with a worker below a transient one, which dies or starts as it is told. */
async function tree() {
  const clock = new ManualClock();
  const state = { starts: 0, mayStart: true, end: (): void => undefined };
  const worker = serviceChild(() => {
    state.starts += 1;
    if (!state.mayStart) throw new Error('no disk');
    const { promise, reject } = Promise.withResolvers<void>();
    state.end = () => reject(new Error('boom'));
    return { exited: promise, close: () => undefined };
  });
  const backOff: BackOff = new BackOff({ start: (id) => top.restartChild(id), clock });
  const top: Supervisor = new Supervisor({
    id: 'node',
    clock,
    children: [
      {
        id: 'search',
        type: 'supervisor',
        restart: 'transient',
        start: supervisorChild({ intensity: 1, periodMs: 5_000, children: [{ id: 'worker', start: worker }] }),
      },
      { id: 'door', start: serviceChild(() => ({ close: () => undefined })) },
    ],
    onEvent: (event) => {
      if (event.path.length === 2 && event.id === 'search') backOff.take(event);
    },
  });
  await top.start();
  const child = (): RunningChild | 'restarting' | undefined => top.whichChildren()[0]?.child;
  return { clock, state, top, backOff, child };
}

async function giveUp({ state, backOff }: Awaited<ReturnType<typeof tree>>): Promise<void> {
  const { starts } = state;
  state.end();
  await expect.poll(() => state.starts).toBe(starts + 1);
  state.end();
  await expect.poll(() => backOff.list().length).toBe(1);
}

test('one that gives up takes nobody along, is named with its reason, and comes back after a pause', async () => {
  const it = await tree();
  const { clock, top, backOff, child } = it;
  expect(backOff.list()).toEqual([]);
  await giveUp(it);
  expect(backOff.list()).toEqual([
    { id: 'search', why: 'worker failed more than 1 times in 5000 ms (error: boom)', nextAt: '1970-01-01T00:00:01.000Z' },
  ]);
  expect(top.describe().children?.map(({ id, status }) => [id, status])).toEqual([
    ['search', 'stopped'],
    ['door', 'running'],
  ]);
  clock.advance(999);
  expect(child()).toBeUndefined();
  clock.advance(1);
  await expect.poll(child).toBeInstanceOf(Supervisor);
  expect(backOff.list()).toEqual([]);
  await top.stop();
});

test('the pause doubles up to a minute, and begins anew for one that has been well for a minute', async () => {
  const it = await tree();
  const { clock, state, top, backOff, child } = it;
  await giveUp(it);
  state.mayStart = false;
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const [given] = backOff.list();
    const pauseMs = Date.parse(given?.nextAt ?? '') - clock.now();
    pauses.push(pauseMs);
    if (attempt === 7) state.mayStart = true;
    clock.advance(pauseMs);
    await expect.poll(() => backOff.list()[0]).not.toBe(given);
  }
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000));
  await expect.poll(child).toBeInstanceOf(Supervisor);
  // Not well for long enough.
  clock.advance(59_999);
  await giveUp(it);
  expect(Date.parse(backOff.list()[0]?.nextAt ?? '') - clock.now()).toBe(60_000);
  clock.advance(60_000);
  await expect.poll(child).toBeInstanceOf(Supervisor);
  clock.advance(60_000);
  await giveUp(it);
  expect(Date.parse(backOff.list()[0]?.nextAt ?? '') - clock.now()).toBe(1_000);
  await top.stop();
});

test('started by hand it is not tried again, and nothing is tried once the whole tree ends', async () => {
  const it = await tree();
  const { clock, state, top, backOff } = it;
  await giveUp(it);
  expect(await top.restartChild('search')).toMatchObject({ ok: true });
  expect(backOff.list()).toEqual([]);
  const { starts } = state;
  clock.advance(1_000);
  await giveUp(it);
  await top.stop();
  clock.advance(60_000);
  await expect.poll(() => backOff.list()).toEqual([]);
  expect(state.starts).toBe(starts + 1);
});
