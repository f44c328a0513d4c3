// Holds calls to their limits from the host's own loop: processor time through isolate.cpuTime, wall clock, memory of the process.
// What runs on the loop itself (the synchronous path, evaluations) is held by V8's timeout, and by the parent if that fails.
import type ivm from 'isolated-vm';
import type { MemoryAllowance } from '../memory-allowance.ts';
import { isolateNs, isolateUsSince } from './isolate-clock.ts';

const TICK_MS = 4;
const IDLE_TICK_MS = 20;
/** An isolate that was disposed must be out of its code by then; native code does not listen. */
const STUCK_MS = 100;

/** What a call has used up, over all its entries. */
export interface Meter {
  cpuUs: number;
  /** Without waiting for capabilities or for its turn. */
  wallUs: number;
  readonly cpuLimitUs: number;
  readonly wallLimitUs: number;
}

export type LimitFailure = 'cpu_limit' | 'deadline';

export interface ExecutionOptions {
  isolate: ivm.Isolate;
  meter: Meter;
  /** For the verdict when the isolate can not be ended: the call's number. */
  call: number;
  /** Must dispose of the isolate. */
  onLimit: (failure: LimitFailure) => void;
}

export interface Execution extends ExecutionOptions {
  startedMs: number;
  startedWallNs: bigint;
  startedCpuNs: bigint;
  startedProcessCpuUs: number;
  /** Ended for a limit, and charged. */
  endedMs: number | null;
  /** Without an isolate since then, by whoever's hand. */
  goneMs: number | null;
}

/** A call whose next step can only come from inside its isolate. */
export interface WaitingCall {
  readonly meter: Meter;
  waitingSinceMs: number;
  onDeadline(): void;
}

export interface WatchdogOptions {
  memory: MemoryAllowance;
  /** Ends the process. `call`: the only one it can have been, if there is one. */
  kill: (verdict: 'stuck' | 'memory', call: number | null) => void;
}

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #executions = new Set<Execution>();
  readonly #waiting = new Set<WaitingCall>();
  #ticking = false;
  /** As of the last tick: a reading for each entry would cost more than the few milliseconds it may be behind. */
  #processCpuUs = processCpuUs();

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  get executing(): number {
    return this.#executions.size;
  }

  /** An entry into an isolate is about to run on a thread of its own. */
  begin(options: ExecutionOptions): Execution {
    // Before the first tick, the processor time of the last one may be long ago.
    if (!this.#ticking) this.#processCpuUs = processCpuUs();
    const execution: Execution = {
      ...options,
      startedMs: performance.now(),
      startedWallNs: isolateNs(options.isolate, 'wallTime') ?? 0n,
      startedCpuNs: isolateNs(options.isolate, 'cpuTime') ?? 0n,
      startedProcessCpuUs: this.#processCpuUs,
      endedMs: null,
      goneMs: null,
    };
    this.#executions.add(execution);
    this.#tickSoon();
    return execution;
  }

  /** It has ended, however: charges it to its meter. */
  end(execution: Execution): void {
    this.#executions.delete(execution);
    // What was ended for a limit has been charged then.
    if (execution.endedMs !== null) return;
    const { isolate, meter, startedMs, startedWallNs, startedCpuNs } = execution;
    const wallUs = isolateUsSince(isolate, 'wallTime', startedWallNs) ?? (performance.now() - startedMs) * 1000;
    meter.wallUs += wallUs;
    meter.cpuUs += isolateUsSince(isolate, 'cpuTime', startedCpuNs) ?? wallUs;
  }

  wait(call: WaitingCall): void {
    if (this.#waiting.has(call)) return;
    call.waitingSinceMs = performance.now();
    this.#waiting.add(call);
    this.#tickSoon();
  }

  stopWaiting(call: WaitingCall): void {
    if (this.#waiting.delete(call)) call.meter.wallUs += (performance.now() - call.waitingSinceMs) * 1000;
  }

  #tickSoon(): void {
    if (this.#ticking) return;
    this.#ticking = true;
    setTimeout(() => this.#tick(), this.#executions.size > 0 ? TICK_MS : IDLE_TICK_MS);
  }

  #tick(): void {
    this.#ticking = false;
    const nowMs = performance.now();
    if (this.#executions.size > 0) {
      if (this.#options.memory.exceeded(process.memoryUsage.rss(), nowMs)) {
        const calls = [...this.#executions].map(({ call }) => call);
        return this.#options.kill('memory', calls.length === 1 ? (calls[0] ?? null) : null);
      }
      this.#processCpuUs = processCpuUs();
      for (const execution of [...this.#executions]) this.#check(execution, nowMs);
    } else this.#options.memory.rest(process.memoryUsage.rss(), nowMs);
    for (const call of [...this.#waiting]) {
      if (call.meter.wallUs + (nowMs - call.waitingSinceMs) * 1000 >= call.meter.wallLimitUs) call.onDeadline();
    }
    if (this.#executions.size > 0 || this.#waiting.size > 0) this.#tickSoon();
  }

  #check(execution: Execution, nowMs: number): void {
    const { isolate, meter } = execution;
    const measuredUs = isolateUsSince(isolate, 'cpuTime', execution.startedCpuNs);
    const wallUs = isolateUsSince(isolate, 'wallTime', execution.startedWallNs);
    if (measuredUs === null || wallUs === null) {
      execution.goneMs ??= nowMs;
      // One that we did not end has hit its memory limit.
      if (nowMs - execution.goneMs > STUCK_MS) this.#options.kill(execution.endedMs === null ? 'memory' : 'stuck', execution.call);
      return;
    }
    // While an entry runs, cpuTime counts its wall clock. On a busy machine that is too much, so that the whole process must
    // have used as much before a call is ended for it.
    const usedUs = Math.min(measuredUs, this.#processCpuUs - execution.startedProcessCpuUs);
    const isOverCpu = meter.cpuUs + usedUs >= meter.cpuLimitUs;
    if (!isOverCpu && meter.wallUs + wallUs < meter.wallLimitUs) return;
    const failure = isOverCpu ? 'cpu_limit' : 'deadline';
    execution.endedMs = nowMs;
    meter.cpuUs += usedUs;
    meter.wallUs += wallUs;
    execution.onLimit(failure);
  }
}

function processCpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
