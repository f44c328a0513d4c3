import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { HostWatch, type KillReason } from './host-watch.ts';

test('a host that is heard of is not silent, though its sign of life stands behind much else that it says', async () => {
  // Its main thread is busy, and answers no ping.
  const host = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  onTestFinished(() => void host.kill('SIGKILL'));
  const kill = vi.fn<(reason: KillReason) => void>();
  const ping = vi.fn<(number: number) => void>();
  using watch = new HostWatch({ ping, heldUntilMs: () => 0, isOverdue: () => false, kill });
  watch.begin(host.pid ?? 0);
  watch.wake();
  await vi.waitFor(() => expect(ping).toHaveBeenCalled(), { timeout: 10_000, interval: 2 });
  for (let n = 0; n < 60; n += 1) {
    watch.heard();
    await sleep(10);
  }
  expect(kill).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(kill).toHaveBeenCalledWith('unresponsive'), { timeout: 20_000 });
});
