import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { EventLoopLag } from './event-loop-lag.ts';

test('sees a loop that was blocked, and again when it is read again', async () => {
  const lag = new EventLoopLag();
  try {
    await sleep(60);
    const until = performance.now() + 150;
    while (performance.now() < until);
    while (lag.figures().maxMs < 100) await sleep(5);
    const { maxMs } = lag.figures();
    expect(maxMs).toBeGreaterThanOrEqual(100);
    expect(lag.figures().maxMs).toBeGreaterThanOrEqual(maxMs);
    expect(lag.figures().p50Ms).toBeLessThan(maxMs);
  } finally {
    lag.close();
  }
});
