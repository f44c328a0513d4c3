// Looks again and again: when woken, when there was more than one look could take, and from time to time in case a wake-up was lost.
export interface LoopOptions {
  /** One look. `again`: there may be more now; a number: look in so many milliseconds, at the latest after `pollMs`. */
  look(signal: AbortSignal): Promise<'again' | 'idle' | number>;
  pollMs: number;
  /** A look that throws is repeated, after longer and longer pauses. */
  onError: (error: unknown) => void;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 10_000;

export class Loop {
  readonly #options: LoopOptions;
  readonly #stopping = new AbortController();
  #woken = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Look now, or once more after the look under way. */
  wake(): void {
    this.#woken = true;
    if (this.#failures === 0) this.#start();
  }

  /** After the look under way, whose signal is aborted. */
  async close(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#looking;
  }

  #start(): void {
    if (this.#looking !== undefined || this.#stopping.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#looking = this.#lookUntilIdle().then((pauseMs) => {
      this.#looking = undefined;
      if (this.#stopping.signal.aborted) return;
      if (this.#woken && this.#failures === 0) return this.#start();
      this.#timer = setTimeout(() => this.#start(), pauseMs).unref();
    });
  }

  /** @returns milliseconds until the next look */
  async #lookUntilIdle(): Promise<number> {
    const { look, pollMs, onError } = this.#options;
    while (!this.#stopping.signal.aborted) {
      this.#woken = false;
      try {
        const found = await look(this.#stopping.signal);
        this.#failures = 0;
        if (typeof found === 'number') return Math.min(found, pollMs);
        if (found === 'idle') return pollMs;
      } catch (error) {
        this.#failures += 1;
        onError(error);
        return Math.min(FIRST_PAUSE_MS * 2 ** (this.#failures - 1), LONGEST_PAUSE_MS);
      }
    }
    return pollMs;
  }
}
