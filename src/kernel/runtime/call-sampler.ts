// Which calls are recorded: all of them while a version is on trial, all failures, and of the rest as many a second as
// the record may cost.

export interface CallSamplerOptions {
  /** Calls of one agent recorded a second when nothing special is going on. */
  perSecond: number;
  /** The same while a version is observed: an upper bound that only a flood reaches. */
  perSecondObserved: number;
}

const DEFAULT_SAMPLING: CallSamplerOptions = { perSecond: 50, perSecondObserved: 2_000 };

/** A token bucket of one second. */
export class CallSampler {
  readonly #options: CallSamplerOptions;
  #second = -1;
  #taken = 0;

  constructor(options: CallSamplerOptions = DEFAULT_SAMPLING) {
    this.#options = options;
  }

  /** @param monotonicMs of a clock that is never set */
  take(monotonicMs: number, observed: boolean): boolean {
    const second = Math.floor(monotonicMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#taken = 0;
    }
    if (this.#taken >= (observed ? this.#options.perSecondObserved : this.#options.perSecond)) return false;
    this.#taken += 1;
    return true;
  }
}
