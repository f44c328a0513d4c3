import { describe, expect, test, vi } from 'vitest';
import { Loop } from './loop.ts';

const unexpected = (error: unknown): never => {
  throw error;
};

describe('a loop', () => {
  test('looks when it is woken, and again while there is more', async () => {
    let left = 3;
    const loop = new Loop({ pollMs: 60_000, onError: unexpected, look: async () => ((left -= 1) > 0 ? 'again' : 'idle') });
    loop.wake();
    await vi.waitFor(() => expect(left).toBe(0));
    await loop.close();
  });

  test('looks once more for a wake-up that came during the look', async () => {
    const looks: PromiseWithResolvers<void>[] = [];
    const loop = new Loop({
      pollMs: 60_000,
      onError: unexpected,
      look: async () => {
        const look = Promise.withResolvers<void>();
        looks.push(look);
        await look.promise;
        return 'idle';
      },
    });
    loop.wake();
    await vi.waitFor(() => expect(looks).toHaveLength(1));
    loop.wake();
    loop.wake();
    looks[0]?.resolve();
    await vi.waitFor(() => expect(looks).toHaveLength(2));
    looks[1]?.resolve();
    await loop.close();
    expect(looks).toHaveLength(2);
  });

  test('looks by itself when the time it asked for has come', async () => {
    let looks = 0;
    const loop = new Loop({ pollMs: 60_000, onError: unexpected, look: async () => ((looks += 1) < 3 ? 1 : 'idle') });
    loop.wake();
    await vi.waitFor(() => expect(looks).toBe(3));
    await loop.close();
  });

  test('goes on after an error, and tells of it', async () => {
    const errors: unknown[] = [];
    let looks = 0;
    const loop = new Loop({
      pollMs: 60_000,
      onError: (error) => errors.push(error),
      look: async () => {
        looks += 1;
        if (looks < 3) throw new Error(`look ${looks}`);
        return 'idle';
      },
    });
    loop.wake();
    await vi.waitFor(() => expect(looks).toBe(3));
    expect(errors).toEqual([new Error('look 1'), new Error('look 2')]);
    await loop.close();
  });

  test('aborts the look under way when it is closed, waits for it, and never looks again', async () => {
    const seen: string[] = [];
    const started = Promise.withResolvers<void>();
    const loop = new Loop({
      pollMs: 1,
      onError: unexpected,
      look: async (signal) => {
        started.resolve();
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        seen.push('ended');
        return 'again';
      },
    });
    loop.wake();
    await started.promise;
    await loop.close();
    loop.wake();
    expect(seen).toEqual(['ended']);
  });
});
