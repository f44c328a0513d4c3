// How many things may be under way at a time, over all agents and for each of them: the rest waits for its turn.

interface Waiting {
  agent: string;
  enter: () => void;
}

export class Slots {
  readonly #limits: { perAgent: number; inAll: number };
  readonly #taken = new Map<string, number>();
  #inAll = 0;
  #waiting: Waiting[] = [];

  constructor(limits: { perAgent: number; inAll: number }) {
    this.#limits = limits;
  }

  /** @throws the signal's reason when it is aborted before there is room */
  async run<T>(agent: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#enter(agent, signal);
    try {
      return await work();
    } finally {
      this.#leave(agent);
    }
  }

  async #enter(agent: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#hasRoom(agent)) return this.#take(agent);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { agent, enter: resolve };
    this.#waiting.push(waiting);
    const onAbort = (): void => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    await promise.finally(() => signal.removeEventListener('abort', onAbort));
  }

  #hasRoom(agent: string): boolean {
    return this.#inAll < this.#limits.inAll && (this.#taken.get(agent) ?? 0) < this.#limits.perAgent;
  }

  #take(agent: string): void {
    this.#inAll += 1;
    this.#taken.set(agent, (this.#taken.get(agent) ?? 0) + 1);
  }

  #leave(agent: string): void {
    this.#inAll -= 1;
    const left = (this.#taken.get(agent) ?? 1) - 1;
    if (left === 0) this.#taken.delete(agent);
    else this.#taken.set(agent, left);
    const next = this.#waiting.findIndex((waiting) => this.#hasRoom(waiting.agent));
    const [waiting] = next < 0 ? [] : this.#waiting.splice(next, 1);
    if (waiting === undefined) return;
    // Taken for it at once: nobody slips in before it goes on.
    this.#take(waiting.agent);
    waiting.enter();
  }
}
