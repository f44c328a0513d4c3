// What an isolate has used up so far, by isolated-vm's own clocks: they run while its code does, on whatever thread.
import type ivm from 'isolated-vm';

/** `cpuTime`: processor time (while an entry runs, its wall clock). `wallTime`: without waiting for a thread or for our loop. */
export type IsolateClock = 'cpuTime' | 'wallTime';

/** Nanoseconds. Null when the isolate has ended, which it may do on its own thread at any moment. */
export function isolateNs(isolate: ivm.Isolate, clock: IsolateClock): bigint | null {
  try {
    return isolate[clock];
  } catch {
    return null;
  }
}

/** Microseconds since `startedNs`, or null as above. */
export function isolateUsSince(isolate: ivm.Isolate, clock: IsolateClock, startedNs: bigint): number | null {
  const nowNs = isolateNs(isolate, clock);
  return nowNs === null ? null : Number(nowNs - startedNs) / 1000;
}
