// AbortController and AbortSignal with the events they need and no more: there are no timers here, so no AbortSignal.timeout.

export function installAbort(global: Record<string, unknown>): void {
  interface AbortEvent {
    readonly type: 'abort';
    readonly target: GuestAbortSignal;
  }
  type Listener = ((event: AbortEvent) => unknown) | { handleEvent(event: AbortEvent): unknown };

  /** Proof that a signal is made by this runtime: its constructor is not for everybody. */
  const token = {};
  let abortSignal: (signal: GuestAbortSignal, reason: unknown) => void;

  class GuestAbortSignal {
    onabort: ((event: AbortEvent) => unknown) | null = null;
    #aborted = false;
    #reason: unknown = undefined;
    #listeners: { listener: Listener; once: boolean }[] = [];

    constructor(proof?: unknown) {
      if (proof !== token) throw new TypeError('an AbortSignal comes from an AbortController');
    }

    static abort(reason?: unknown): GuestAbortSignal {
      const signal = new GuestAbortSignal(token);
      signal.#abort(reason);
      return signal;
    }

    static any(signals: Iterable<GuestAbortSignal>): GuestAbortSignal {
      const all = [...signals];
      const combined = new GuestAbortSignal(token);
      const aborted = all.find((signal) => signal.aborted);
      if (aborted !== undefined) combined.#abort(aborted.reason);
      else for (const signal of all) signal.addEventListener('abort', () => combined.#abort(signal.reason), { once: true });
      return combined;
    }

    static {
      abortSignal = (signal, reason) => signal.#abort(reason);
    }

    get aborted(): boolean {
      return this.#aborted;
    }

    get reason(): unknown {
      return this.#reason;
    }

    throwIfAborted(): void {
      if (this.#aborted) throw this.#reason;
    }

    addEventListener(type: string, listener: Listener | null, options?: boolean | { once?: boolean }): void {
      if (type !== 'abort' || listener === null || this.#listeners.some((known) => known.listener === listener)) return;
      this.#listeners.push({ listener, once: typeof options === 'object' && Boolean(options.once) });
    }

    removeEventListener(type: string, listener: Listener | null): void {
      if (type === 'abort') this.#listeners = this.#listeners.filter((known) => known.listener !== listener);
    }

    #abort(reason: unknown): void {
      if (this.#aborted) return;
      this.#aborted = true;
      this.#reason = reason === undefined ? abortError() : reason;
      const event: AbortEvent = { type: 'abort', target: this };
      const listeners = this.#listeners;
      this.#listeners = listeners.filter((known) => !known.once);
      this.onabort?.(event);
      for (const { listener } of listeners) {
        if (typeof listener === 'function') listener.call(this, event);
        else listener.handleEvent(event);
      }
    }
  }
  class GuestAbortController {
    readonly signal = new GuestAbortSignal(token);

    abort(reason?: unknown): void {
      abortSignal(this.signal, reason);
    }
  }

  function abortError(): Error {
    const error = new Error('this operation was aborted');
    Object.defineProperty(error, 'name', { value: 'AbortError', writable: true, enumerable: false, configurable: true });
    return error;
  }

  const name = (value: unknown, as: string): void => {
    Object.defineProperty(value, 'name', { value: as, configurable: true });
    Object.defineProperty(global, as, { value, writable: true, enumerable: false, configurable: true });
  };
  name(GuestAbortSignal, 'AbortSignal');
  name(GuestAbortController, 'AbortController');
}
