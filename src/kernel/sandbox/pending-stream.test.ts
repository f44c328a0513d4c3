import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PendingStream, type Room } from './pending-stream.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(given: { idleMs?: number; streamMs?: number; isReplayed?: boolean } = {}) {
  const { idleMs = 1_000, streamMs = 60_000, isReplayed = false } = given;
  const [rooms, ends, waiting]: [Room[], unknown[], (() => void)[]] = [[], [], []];
  const stream = new PendingStream({
    reader: { begin: () => undefined, chunk: () => new Promise((resolve) => waiting.push(resolve)) },
    limits: { idleMs, streamMs },
    isReplayed,
    grant: (room) => rooms.push(room),
    onEnd: (reason) => ends.push(reason),
  });
  const take = async (count: number): Promise<void> => {
    for (const taken of waiting.splice(0, count)) taken();
    await Promise.resolve();
  };
  return { stream, rooms, ends, take, give: (count: number, json = '1') => Array.from({ length: count }, () => stream.take(json)) };
}

describe('room', () => {
  test('is a window ahead of what the reader has taken, half of it at a time', async () => {
    const { stream, rooms, give, take } = start();
    expect(rooms).toEqual([{ chunks: 64, chars: 131_072 }]);
    expect(stream.isHeld).toBe(false);
    give(64);
    expect(stream.isHeld).toBe(true);
    await take(31);
    expect(rooms).toHaveLength(1);
    await take(1);
    expect(rooms[1]).toEqual({ chunks: 96, chars: 131_104 });
    expect(stream.isHeld).toBe(false);
  });

  test('is used up by size too', async () => {
    const { stream, rooms, give, take } = start();
    give(1, 'x'.repeat(131_072));
    expect(stream.isHeld).toBe(true);
    await take(1);
    expect(rooms[1]).toEqual({ chunks: 65, chars: 262_144 });
  });

  test('is what the record says while there is one', () => {
    const { stream, rooms, give } = start({ isReplayed: true });
    expect(stream.isHeld).toBe(true);
    stream.grant({ chunks: 3, chars: 9 });
    give(3);
    expect([rooms.length, stream.isHeld]).toEqual([1, true]);
    stream.goLive();
    expect(rooms[1]).toEqual({ chunks: 64, chars: 131_072 });
  });
});

describe('time', () => {
  test('between two chunks is limited, and stands still while the reader has no room', async () => {
    const { ends, give, take } = start();
    vi.advanceTimersByTime(900);
    give(1);
    vi.advanceTimersByTime(900);
    give(63);
    vi.advanceTimersByTime(30_000);
    expect(ends).toEqual([]);
    await take(64);
    vi.advanceTimersByTime(999);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(ends).toEqual([{ failure: 'deadline', message: 'the stream gave no chunk for 1000 ms' }]);
  });

  test('in all is limited, and who used it up is told apart', () => {
    const busy = start({ streamMs: 500 });
    vi.advanceTimersByTime(500);
    expect(busy.ends).toEqual([{ failure: 'deadline', message: 'the stream has not ended after 500 ms' }]);
    const held = start({ streamMs: 500 });
    vi.advanceTimersByTime(100);
    held.give(64);
    vi.advanceTimersByTime(400);
    expect(held.ends).toMatchObject([{ failure: 'cancelled' }]);
  });

  test('is no matter any more when it has ended', () => {
    const { stream, ends } = start({ streamMs: 500, idleMs: 100 });
    stream[Symbol.dispose]();
    vi.advanceTimersByTime(1_000);
    expect(ends).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
