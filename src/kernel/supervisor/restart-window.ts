// How often is too often: restarts within a period, counted as OTP counts them.

export class RestartWindow {
  readonly #intensity: number;
  readonly #periodMs: number;
  #times: readonly number[] = [];

  constructor(options: { intensity: number; periodMs: number }) {
    this.#intensity = options.intensity;
    this.#periodMs = options.periodMs;
  }

  /** Counts one more; false when that is one too many. A restart exactly `periodMs` ago still counts. */
  add(nowMs: number): boolean {
    this.#times = [...this.#times.filter((timeMs) => nowMs <= timeMs + this.#periodMs), nowMs];
    return this.#times.length <= this.#intensity;
  }

  /** Restarts that counted when the last one was added. */
  get count(): number {
    return this.#times.length;
  }
}
