import { expect, test } from 'vitest';
import { Turns } from './turns.ts';

function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

test('work under one key waits its turn, work under others does not', async () => {
  const turns = new Turns();
  const order: string[] = [];
  const first = gate();
  const a1 = turns.take('a', async () => {
    await first.opened;
    order.push('a1');
    return 1;
  });
  const a2 = turns.take('a', () => Promise.resolve(order.push('a2')));
  await turns.take('b', () => Promise.resolve(order.push('b')));
  expect(order).toEqual(['b']);
  first.open();
  expect(await a1).toBe(1);
  await a2;
  expect(order).toEqual(['b', 'a1', 'a2']);
});

test('work that fails does not stop what comes after', async () => {
  const turns = new Turns();
  const failing = turns.take('a', () => Promise.reject(new Error('no')));
  const next = turns.take('a', () => Promise.resolve('yes'));
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('yes');
});

test('idle waits for all of it', async () => {
  const turns = new Turns();
  const held = gate();
  let done = false;
  void turns.take('a', async () => {
    await held.opened;
    await turns.take('b', async () => {
      await Promise.resolve();
      done = true;
    });
  });
  const idle = turns.idle();
  held.open();
  await idle;
  expect(done).toBe(true);
});
