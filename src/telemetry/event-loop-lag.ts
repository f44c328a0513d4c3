// How late the event loop is: what everybody who shares this process waits for.
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;

export interface LagFigures {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** Watches from construction to close(). Its timers keep no process alive. */
export class EventLoopLag {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #window: NodeJS.Timeout;
  #last: LagFigures = { p50Ms: 0, p99Ms: 0, maxMs: 0 };

  constructor() {
    this.#histogram.enable();
    this.#window = setInterval(() => {
      this.#last = this.#current();
      this.#histogram.reset();
    }, WINDOW_MS).unref();
  }

  /** The worse of the running window and the one before, so that reading twice gives the same and resets nothing. */
  figures(): LagFigures {
    const current = this.#current();
    return {
      p50Ms: Math.max(current.p50Ms, this.#last.p50Ms),
      p99Ms: Math.max(current.p99Ms, this.#last.p99Ms),
      maxMs: Math.max(current.maxMs, this.#last.maxMs),
    };
  }

  close(): void {
    clearInterval(this.#window);
    this.#histogram.disable();
  }

  #current(): LagFigures {
    // Node measures from one tick of its timer to the next: the interval itself is no lag.
    const lagMs = (ns: number): number => Math.max(0, ns / 1e6 - RESOLUTION_MS);
    const { count, max } = this.#histogram;
    if (count === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    return { p50Ms: lagMs(this.#histogram.percentile(50)), p99Ms: lagMs(this.#histogram.percentile(99)), maxMs: lagMs(max) };
  }
}
