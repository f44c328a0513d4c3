// Follows what became live on this node's disk, writes down what its observation showed, and tells those who wait for a verdict.
import type { Database } from '#db/database.ts';
import type { Observed, RolloutLog, Swapped } from '#kernel/rollout/rollout.ts';
import type { Verdict } from '#db/tables/runtime.ts';
import type { CodeStore } from '#kernel/code-store/code-store.ts';
import { emit } from '#telemetry/emit.ts';
import { getVerdict, setVerdict, settleSwaps } from './store.ts';

export interface ObservationEnd {
  verdict: 'healthy' | 'unverified' | 'rolled_back' | 'superseded';
  reason: string;
}

const ENDS: ReadonlySet<Verdict> = new Set(['healthy', 'unverified', 'rolled_back', 'superseded']);
/** A verdict may be written by another node: look again from time to time. */
const LOOK_EVERY_MS = 1_000;

export class RolloutRecorder implements RolloutLog {
  readonly #database: Database;
  readonly #codeStore: CodeStore;
  readonly #onError: (error: unknown) => void;
  readonly #waiting = new Set<() => void>();

  constructor(options: { database: Database; codeStore: CodeStore; onError: (error: unknown) => void }) {
    this.#database = options.database;
    this.#codeStore = options.codeStore;
    this.#onError = options.onError;
  }

  swapped(swap: Swapped): void {
    // The black box on this node's disk: what is live is decided by the database, so nobody waits for it.
    this.#codeStore.activate(swap.agent, swap.toHash).catch(this.#onError);
    this.#wake();
  }

  async observed({ agent, hash, verdict, analysis }: Observed): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await setVerdict(tx, { agent, hash }, { verdict, reason: analysis.reason });
      await settleSwaps(tx, agent, { verdict, analysis, toHash: hash });
    });
    const version = await getVerdict(this.#database, agent, hash);
    emit(
      'seed_agent.rollout.verdict',
      { calls: analysis.canary.calls, duration_us: 0 },
      { agent, version: `v${version?.number ?? '?'}`, verdict },
    );
    this.#wake();
  }

  /** Resolves when the observation of a version has ended, however long ago. @throws the signal's reason */
  async verdict(agent: string, hash: string, signal: AbortSignal): Promise<ObservationEnd> {
    for (;;) {
      signal.throwIfAborted();
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
      const known = await getVerdict(this.#database, agent, hash);
      if (known !== null && ENDS.has(known.verdict)) {
        this.#waiting.delete(resolve);
        return { verdict: known.verdict as ObservationEnd['verdict'], reason: known.reason };
      }
      const timer = setTimeout(resolve, LOOK_EVERY_MS);
      await promise;
      clearTimeout(timer);
      this.#waiting.delete(resolve);
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
  }
}
