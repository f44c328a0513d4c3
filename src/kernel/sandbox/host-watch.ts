// The parent's eye on a host: a host can not end itself while native code holds its thread, so it is done from here, by what can be
// seen from outside: whether it answers, what it uses, how fast it grows.
import { MemoryAllowance } from './memory-allowance.ts';
import { ProcessUsage } from './process-usage.ts';

const BUSY_TICK_MS = 10;
const IDLE_TICK_MS = 250;
/** Silence of a host with work, after which it is asked for a sign of life. */
const QUIET_MS = 40;
/** A host whose main thread used no processor time may only be waiting for one: it is given this much longer. */
const STARVED_MS = 2_000;

const ASLEEP_TICKS = 5;
/** Somebody has stopped it, and not together with this process, which looks. */
const STOPPED_TICKS = 5;
/** The host's loop is never held for longer than 25 ms by a synchronous call and 10 ms by the rest of its turn. */
const SILENCE_MS = 100;

export type KillReason = 'unresponsive' | 'memory' | 'overdue';

export interface HostWatchOptions {
  ping: (number: number) => void;
  /** Until when the host's loop may be held up by what it was given (performance.now()): 0 when only for a moment, null when it has nothing to do. */
  heldUntilMs: () => number | null;
  /** Whether some work has gone on for longer than its own limits and the host has not ended it. */
  isOverdue: (nowMs: number) => boolean;
  kill: (reason: KillReason) => void;
}

export class HostWatch implements Disposable {
  readonly memory: MemoryAllowance;
  readonly #options: HostWatchOptions;
  #usage: ProcessUsage | null = null;
  #timer: NodeJS.Timeout | undefined;
  #fast = false;
  #heardMs = performance.now();
  /** `silentSinceMs`, `cpuMs`: as of when it was last heard of; its answer may stand behind much else that it says. */
  #ping: { number: number; sentMs: number; silentSinceMs: number; cpuMs: number } | null = null;
  #pings = 0;
  #lagMs = 0;
  #checkedOverdueMs = 0;
  #closed = false;
  #isBegun = false;
  /** Times in a row that its main thread was asleep when it should have answered. */
  #asleep = 0;
  /** Times in a row that it was found stopped. */
  #stopped = 0;

  constructor(options: HostWatchOptions) {
    this.#options = options;
    this.memory = new MemoryAllowance(0, performance.now());
  }

  /** The host is ready: what it has now is its level of rest. Before that it is only waited for. */
  begin(pid: number): void {
    this.#usage = new ProcessUsage(pid);
    this.memory.rest(this.#usage.rssBytes() ?? 0, performance.now());
    this.#isBegun = true;
    this.#schedule(IDLE_TICK_MS);
  }

  get rssBytes(): number | null {
    return this.#usage?.rssBytes() ?? null;
  }

  /** Between the last ping and its answer. */
  get lagMs(): number {
    return this.#lagMs;
  }

  /** The host has been given something to do. */
  wake(): void {
    if (this.#fast || !this.#isBegun) return;
    this.#fast = true;
    this.#heardMs = performance.now();
    this.#schedule(BUSY_TICK_MS);
  }

  heard(): void {
    this.#heardMs = performance.now();
  }

  pong(number: number): void {
    if (this.#ping?.number !== number) return;
    this.#lagMs = performance.now() - this.#ping.sentMs;
    this.#ping = null;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#usage?.[Symbol.dispose]();
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    // After this loop has taken in what the host has said: when it was itself held up, silence proves nothing.
    this.#timer = setTimeout(() => setImmediate(() => this.#tick()), delayMs).unref();
  }

  #tick(): void {
    if (this.#closed) return;
    const nowMs = performance.now();
    const heldUntilMs = this.#options.heldUntilMs();
    this.#fast = heldUntilMs !== null;
    const { rssBytes } = this;
    if (rssBytes !== null) {
      if (heldUntilMs === null) this.memory.rest(rssBytes, nowMs);
      else if (this.memory.exceeded(rssBytes, nowMs)) return this.#options.kill('memory');
    }
    if (nowMs - this.#checkedOverdueMs > IDLE_TICK_MS) {
      this.#checkedOverdueMs = nowMs;
      if (this.#options.isOverdue(nowMs)) return this.#options.kill('overdue');
    }
    if (this.#ping === null) {
      if (heldUntilMs === null || nowMs - this.#heardMs > QUIET_MS) this.#sendPing(nowMs);
    } else if (this.#isGone(this.#ping, { nowMs, heldUntilMs })) return this.#options.kill('unresponsive');
    this.#schedule(this.#fast ? BUSY_TICK_MS : IDLE_TICK_MS);
  }

  #sendPing(nowMs: number): void {
    this.#pings += 1;
    this.#ping = { number: this.#pings, sentMs: nowMs, silentSinceMs: nowMs, cpuMs: this.#usage?.mainThread()?.cpuMs ?? 0 };
    this.#options.ping(this.#pings);
  }

  /** Silent for too long, and not because it was never given a processor. */
  #isGone(ping: { silentSinceMs: number; cpuMs: number }, { nowMs, heldUntilMs }: { nowMs: number; heldUntilMs: number | null }): boolean {
    if (this.#heardMs > ping.silentSinceMs) {
      ping.silentSinceMs = nowMs;
      ping.cpuMs = this.#usage?.mainThread()?.cpuMs ?? ping.cpuMs;
    }
    const allowedMs = heldUntilMs === null ? STARVED_MS : SILENCE_MS;
    const lateMs = nowMs - Math.max(ping.silentSinceMs + allowedMs, heldUntilMs ?? 0);
    if (lateMs <= 0) {
      this.#asleep = 0;
      return this.#isStopped(nowMs - ping.silentSinceMs);
    }
    if (lateMs > STARVED_MS) return true;
    const thread = this.#usage?.mainThread() ?? null;
    if (thread === null || thread.state === 'stopped' || thread.cpuMs - ping.cpuMs >= allowedMs) return true;
    // With something to read it would be awake: native code has put it to sleep.
    this.#asleep = thread.state === 'asleep' ? this.#asleep + 1 : 0;
    return this.#asleep >= ASLEEP_TICKS;
  }

  /** However long its work may take: it does none. */
  #isStopped(silentMs: number): boolean {
    const isStopped = silentMs > SILENCE_MS && this.#usage?.mainThread()?.state === 'stopped';
    this.#stopped = isStopped ? this.#stopped + 1 : 0;
    return this.#stopped >= STOPPED_TICKS;
  }
}
