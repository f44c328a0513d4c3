// The life of the engine behind an open database: begun again when it has died, kept from writing while the disk is nearly full.
import { isSeedError, SeedError } from '#lib/error.ts';
import { databaseError, sqlState, storageFull } from '../database-error.ts';
import { PgliteEngine } from './pglite-engine.ts';

export interface EngineLifeOptions {
  /** Null: in memory, and gone with its engine. */
  folder: string | null;
  isDiskLow: () => boolean;
  onError: (error: unknown) => void;
}

/** An engine that dies more often than this in a minute is not started again. */
const MAX_RESTARTS = 3;
const RESTARTS_PERIOD_MS = 60_000;

export class EngineLife {
  /** Fulfils when there will be no engine any more. */
  readonly failed: Promise<SeedError>;
  readonly #options: EngineLifeOptions;
  readonly #restartsAtMs: number[] = [];
  readonly #fail: (error: SeedError) => void;
  #engine: PgliteEngine;
  #failure: SeedError | undefined;
  #writesRefused = false;

  constructor(engine: PgliteEngine, options: EngineLifeOptions) {
    this.#engine = engine;
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<SeedError>();
    this.failed = promise;
    this.#fail = resolve;
  }

  /** The present one, dead or alive. */
  get engine(): PgliteEngine {
    return this.#engine;
  }

  get failure(): SeedError | undefined {
    return this.#failure;
  }

  /** A dead one is replaced: its folder is as safe as after a crash of the process. @throws SeedError when there is none any more */
  async liveEngine(): Promise<PgliteEngine> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#engine.death !== undefined) await this.#restart(this.#engine.death);
    const refuse = this.#options.isDiskLow();
    if (refuse !== this.#writesRefused) {
      await this.#engine.send({ op: 'exec', sql: `SET default_transaction_read_only = ${refuse ? 'on' : 'off'}` });
      this.#writesRefused = refuse;
    }
    return this.#engine;
  }

  mapError(error: unknown): unknown {
    if (this.#writesRefused && sqlState(error) === '25006') return storageFull(error);
    const mapped = databaseError(error);
    if (mapped instanceof SeedError || this.#engine.death === undefined) return mapped;
    const why = this.#engine.death.message;
    return new SeedError('database_unavailable', `the database engine ended during the statement: ${why}`, {
      cause: error,
      retryAfterMs: 1000,
    });
  }

  async #restart(death: Error): Promise<void> {
    const { folder, onError } = this.#options;
    onError(death);
    const nowMs = performance.now();
    // A statement that was ended because it ran too long says nothing about the engine.
    if (!isSeedError(death) || death.code !== 'deadline') this.#restartsAtMs.push(nowMs);
    const recent = this.#restartsAtMs.filter((atMs) => nowMs - atMs < RESTARTS_PERIOD_MS);
    try {
      if (folder === null) throw new Error('a database in memory is gone with its engine', { cause: death });
      if (recent.length > MAX_RESTARTS)
        throw new Error(`the database engine died ${recent.length} times within a minute`, { cause: death });
      // The old thread may still be in the middle of a statement: never two on one folder.
      await this.#engine.kill(death);
      this.#engine = await PgliteEngine.start({ dataDir: folder, template: null });
      this.#writesRefused = false;
    } catch (error) {
      // What killed it tells more than that it can not start: on a full disk, that the disk is full.
      const known = [databaseError(error), databaseError(death)].filter(isSeedError).find(({ code }) => code !== 'deadline');
      const why = error instanceof Error ? error.message : String(error);
      this.#failure = known ?? new SeedError('database_unavailable', `the database has failed: ${why}`, { cause: error });
      this.#fail(this.#failure);
      throw this.#failure;
    }
  }
}
