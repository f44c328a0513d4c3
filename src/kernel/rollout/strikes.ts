// How often a version ended the sandbox host it ran in, and whether it is called at the moment. Pure but for the clock it is given.

/** So many deaths of a host within the window, and a version is out. */
export const STRIKES_OUT = 3;
export const STRIKES_WINDOW_MS = 10 * 60_000;
const FIRST_REST_MS = 30_000;
const LONGEST_REST_MS = 10 * 60_000;

export class Strikes {
  readonly #monotonicMs: () => number;
  #atMs: number[] = [];
  #restMs = 0;
  #restUntilMs = 0;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Within the window. */
  get count(): number {
    const nowMs = this.#monotonicMs();
    this.#atMs = this.#atMs.filter((atMs) => nowMs - atMs < STRIKES_WINDOW_MS);
    return this.#atMs.length;
  }

  get isOut(): boolean {
    return this.count >= STRIKES_OUT;
  }

  /** How long it is not called from now on, ms; 0: it is. */
  get restingMs(): number {
    return Math.max(0, this.#restUntilMs - this.#monotonicMs());
  }

  /** It has ended a host. Who is out rests, and twice as long after every further time within a window of the last rest. */
  add(): void {
    const nowMs = this.#monotonicMs();
    const hasRested = this.#restMs > 0 && nowMs - this.#restUntilMs < STRIKES_WINDOW_MS;
    if (!hasRested) this.#restMs = 0;
    // More of them than count decide nothing, and a hostile caller could make many.
    this.#atMs = [...this.#atMs, nowMs].slice(-STRIKES_OUT);
    if (this.restingMs > 0 || (!this.isOut && !hasRested)) return;
    this.#restMs = hasRested ? Math.min(LONGEST_REST_MS, this.#restMs * 2) : FIRST_REST_MS;
    this.#restUntilMs = nowMs + this.#restMs;
  }

  /** As if nothing had been. */
  clear(): void {
    this.#atMs = [];
    this.#restMs = 0;
    this.#restUntilMs = 0;
  }
}
