// Wake-ups inside this process: somebody wrote, whoever waits may look.
import { AsyncLocalStorage } from 'node:async_hooks';

type Listener = (payload: string) => void;

export class Changes {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** The listener runs in the async context of this call: never in the notifier's transaction, trace or request. */
  listen(channel: string, listener: Listener): () => void {
    const own = AsyncLocalStorage.bind((payload: string) => listener(payload));
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(own));
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(channel) === listeners) this.#listeners.delete(channel);
    };
  }

  notify(channel: string, payload: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) {
      try {
        listener(payload);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
