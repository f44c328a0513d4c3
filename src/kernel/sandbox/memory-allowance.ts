// How much a host may grow before it is ended. Isolates may overshoot their own limits many times over before V8 notices, so the
// process is watched too, from inside and from outside. What grows slowly is the isolates' business; what jumps is ours.

/** Over what the host had when it was last at rest. */
const GROWTH_BYTES = 200 * 1024 * 1024;
/** Contracts up to this limit fit into the growth; above it, what they ask for is added. */
const USUAL_LIMIT_BYTES = 64 * 1024 * 1024;
/** Heaps fill up while calls keep coming: the level of rest follows at this pace. */
const CREEP_BYTES_PER_MS = 8 * 1024;

export class MemoryAllowance {
  #restBytes: number;
  #largestLimitBytes = 0;
  #lastMs: number;

  constructor(rssBytes: number, nowMs: number) {
    this.#restBytes = rssBytes;
    this.#lastMs = nowMs;
  }

  get limitBytes(): number {
    return this.#restBytes + GROWTH_BYTES + Math.max(0, this.#largestLimitBytes - USUAL_LIMIT_BYTES);
  }

  /** A version with this memory limit may run here from now on. */
  allow(memoryMb: number): void {
    this.#largestLimitBytes = Math.max(this.#largestLimitBytes, memoryMb * 1024 * 1024);
  }

  /** No call is running: what the host has now is its level of rest. */
  rest(rssBytes: number, nowMs: number): void {
    this.#restBytes = rssBytes;
    this.#lastMs = nowMs;
  }

  /** While calls run. True when the host must be ended. */
  exceeded(rssBytes: number, nowMs: number): boolean {
    const creep = Math.min(rssBytes, this.#restBytes + (nowMs - this.#lastMs) * CREEP_BYTES_PER_MS);
    this.#lastMs = nowMs;
    if (creep > this.#restBytes) this.#restBytes = creep;
    return rssBytes > this.limitBytes;
  }
}
