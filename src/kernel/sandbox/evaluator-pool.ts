// Evaluator hosts, started when there is something to score and ended when there has been nothing for a while.
import { SeedError } from '#lib/error.ts';
import type { EvaluateOutcome, EvaluateRequest } from './call.ts';

/** What the pool needs of a sandbox host. */
export interface EvaluatorHost {
  readonly exited: Promise<unknown>;
  evaluate(request: EvaluateRequest, signal?: AbortSignal): Promise<EvaluateOutcome>;
  close(): Promise<void>;
}

export interface EvaluatorPoolOptions {
  /** Hosts at most: one a processor. */
  size: number;
  /** For example `() => SandboxHost.start()`, or a start under a supervisor. */
  start: () => Promise<EvaluatorHost>;
  /** A host without work for this long is ended. Default 60000. */
  idleMs?: number;
}

/** A candidate that only was in the same host as one that killed it is scored again this often. */
const MAX_RETRIES = 3;

interface Slot {
  host: Promise<EvaluatorHost>;
  inFlight: number;
  idleTimer: NodeJS.Timeout | undefined;
}

export class EvaluatorPool implements AsyncDisposable {
  readonly #options: EvaluatorPoolOptions;
  readonly #slots = new Set<Slot>();
  #closed = false;

  constructor(options: EvaluatorPoolOptions) {
    this.#options = options;
  }

  /** Hosts that run or are being started. */
  get hosts(): number {
    return this.#slots.size;
  }

  /** Candidates that are being scored or wait for it. */
  get evaluating(): number {
    return [...this.#slots].reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** Never rejects for what a candidate does. @throws SeedError `unavailable` when no host can be started, or the pool is closed */
  async evaluate(request: EvaluateRequest, signal?: AbortSignal): Promise<EvaluateOutcome> {
    for (let attempt = 0; ; attempt += 1) {
      if (this.#closed) throw new SeedError('unavailable', 'the evaluators are closed');
      const slot = this.#choose();
      slot.inFlight += 1;
      clearTimeout(slot.idleTimer);
      try {
        const host = await slot.host;
        const outcome = await host.evaluate(request, signal);
        if (outcome.ok || outcome.failure !== 'host_lost' || attempt === MAX_RETRIES) return outcome;
      } finally {
        slot.inFlight -= 1;
        if (slot.inFlight === 0) this.#endWhenIdle(slot);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const slots = [...this.#slots];
    this.#slots.clear();
    for (const slot of slots) clearTimeout(slot.idleTimer);
    await Promise.allSettled(slots.map(async ({ host }) => (await host).close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** An idle host, or a new one, or the least busy. */
  #choose(): Slot {
    let best: Slot | undefined;
    for (const slot of this.#slots) if (best === undefined || slot.inFlight < best.inFlight) best = slot;
    if (best === undefined || (best.inFlight > 0 && this.#slots.size < this.#options.size)) return this.#start();
    return best;
  }

  #start(): Slot {
    const slot: Slot = { host: this.#options.start(), inFlight: 0, idleTimer: undefined };
    this.#slots.add(slot);
    const forget = (): void => {
      this.#slots.delete(slot);
      clearTimeout(slot.idleTimer);
    };
    slot.host.then((host) => host.exited).then(forget, forget);
    return slot;
  }

  #endWhenIdle(slot: Slot): void {
    if (!this.#slots.has(slot)) return;
    slot.idleTimer = setTimeout(() => {
      this.#slots.delete(slot);
      void slot.host.then((host) => host.close());
    }, this.#options.idleMs ?? 60_000).unref();
  }
}
