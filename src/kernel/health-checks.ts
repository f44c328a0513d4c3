// Checks that every node has: room on its disk, and an event loop that keeps up.
import { statfs } from 'node:fs/promises';
import type { EventLoopLag } from '#telemetry/event-loop-lag.ts';
import type { HealthCheck } from './health.ts';

const MIB = 1024 * 1024;

/** Fails below 64 MiB: there nothing can be written safely any more. Warns below 1 GiB or 5 %, whichever is less. */
export function diskCheck(folder: string): HealthCheck {
  return {
    name: 'disk:free',
    component: 'system',
    required: true,
    async run() {
      const { bavail, bsize, blocks } = await statfs(folder);
      const freeBytes = bavail * bsize;
      const warnBytes = Math.min(1024 * MIB, blocks * bsize * 0.05);
      const observed = { observedValue: freeBytes, observedUnit: 'bytes' };
      if (freeBytes >= warnBytes) return { status: 'pass', ...observed };
      const output = `${Math.round(freeBytes / MIB)} MiB are free on the disk of ${folder}; make room`;
      return { status: freeBytes < 64 * MIB ? 'fail' : 'warn', output, ...observed };
    },
  };
}

/** Warns when one timer in a hundred is later than `warnMs`: everybody who asks this process waits at least as long. */
export function eventLoopCheck(lag: Pick<EventLoopLag, 'figures'>, warnMs = 250): HealthCheck {
  return {
    name: 'event_loop:lag',
    component: 'system',
    required: false,
    run() {
      const { p99Ms } = lag.figures();
      const observed = { observedValue: Math.round(p99Ms * 10) / 10, observedUnit: 'ms' };
      if (p99Ms < warnMs) return { status: 'pass', ...observed };
      return { status: 'warn', output: `timers are ${Math.round(p99Ms)} ms late (p99)`, ...observed };
    },
  };
}
