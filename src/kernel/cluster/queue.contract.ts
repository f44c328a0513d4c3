// What every adapter of the queue port must do.
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Queue } from './queue.ts';

export function queueContract(name: string, open: (options: { onError: (error: unknown) => void }) => Queue | Promise<Queue>): void {
  describe(`the queue port: ${name}`, () => {
    let queue: Queue;
    const errors: unknown[] = [];
    beforeEach(async () => {
      queue = await open({ onError: (error) => errors.push(error) });
    });
    afterEach(async () => {
      await queue.close();
      errors.length = 0;
    });

    test('wakes a subscriber of the queue, and of no other', async () => {
      const woken: string[] = [];
      queue.subscribe('one', (id) => woken.push(`one ${id}`));
      queue.subscribe('two', (id) => woken.push(`two ${id}`));
      queue.notify('one', 'a');
      queue.notify('two', 'b');
      queue.notify('nobody', 'c');
      await vi.waitFor(() => expect(woken.toSorted()).toEqual(['one a', 'two b']));
    });

    test('never wakes within the call, nor in its async context', async () => {
      const context = new AsyncLocalStorage<string>();
      const seen: (string | undefined)[] = [];
      context.run('subscriber', () => queue.subscribe('one', () => seen.push(context.getStore())));
      context.run('notifier', () => {
        queue.notify('one', 'a');
        expect(seen).toEqual([]);
      });
      await vi.waitFor(() => expect(seen).toEqual(['subscriber']));
    });

    test('gives every wake-up to one subscriber, and each its share', async () => {
      const woken: string[][] = [[], []];
      woken.forEach((ids) => queue.subscribe('one', (id) => ids.push(id)));
      const sent = Array.from({ length: 10 }, (_, index) => `id-${index}`);
      for (const id of sent) queue.notify('one', id);
      await vi.waitFor(() => expect(woken.flat().toSorted()).toEqual(sent));
      expect(woken.every((ids) => ids.length > 0)).toBe(true);
    });

    test('goes on after a subscriber that throws', async () => {
      const woken: string[] = [];
      queue.subscribe('one', (id) => {
        woken.push(id);
        if (id === 'a') throw new Error('a subscriber failed');
      });
      queue.notify('one', 'a');
      queue.notify('one', 'b');
      await vi.waitFor(() => expect(woken).toEqual(['a', 'b']));
      expect(errors).toEqual([new Error('a subscriber failed')]);
    });

    test('wakes nobody who has stopped, and nobody after the end', async () => {
      const woken: string[] = [];
      const stop = queue.subscribe('one', () => woken.push('stopped'));
      queue.subscribe('one', (id) => woken.push(id));
      stop();
      stop();
      queue.notify('one', 'a');
      await vi.waitFor(() => expect(woken).toEqual(['a']));
      queue.notify('one', 'b');
      await queue.close();
      await queue.close();
      queue.notify('one', 'c');
      const after = [...woken];
      await new Promise((resolve) => setImmediate(resolve));
      expect(woken).toEqual(after);
    });
  });
}
