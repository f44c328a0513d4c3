// Rows that are written in batches beside the work they tell of, never in its way: what waits is bounded, and what is lost is counted.
import { isSeedError } from '#lib/error.ts';
import type { Database } from './database.ts';

const FLUSH_MS = 200;
/** While nothing can be written. */
const RETRY_MS = 1_000;
/** Whatever else wants the database waits for one batch: some 3 ms. */
const BATCH = 100;
/** Rows that may wait for the database; more are dropped and counted. */
const CAPACITY = 5_000;

export interface BatchWriterOptions<T> {
  database: () => Database | null;
  insert: (database: Database, rows: readonly T[]) => Promise<unknown>;
  onWritten: (count: number) => void;
  onDropped: (count: number, reason: 'buffer_full' | 'write_failed') => void;
  onError: (error: unknown) => void;
}

export class BatchWriter<T> {
  readonly #options: BatchWriterOptions<T>;
  #waiting: T[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** Whether the outage that lasts was told already. */
  #isOut = false;

  constructor(options: BatchWriterOptions<T>) {
    this.#options = options;
  }

  add(row: T): void {
    if (this.#waiting.length >= CAPACITY) return this.#options.onDropped(1, 'buffer_full');
    this.#waiting.push(row);
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  /** Writes what waits; resolves when it is written or given up. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** What can not be written now is lost with this process, and counted. */
  async close(): Promise<void> {
    await this.flush();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#waiting.length > 0) this.#options.onDropped(this.#waiting.length, 'write_failed');
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const database = this.#options.database();
      // Without a database they wait in their bounded place; the next row starts the next try.
      if (database === null || database.state() !== 'ready') return;
      const batch = this.#waiting.splice(0, BATCH);
      try {
        // Batches follow each other, so that others get their turn on the database
        await this.#options.insert(database, batch);
        this.#options.onWritten(batch.length);
        this.#isOut = false;
      } catch (error) {
        if (isOutage(error)) return this.#putBack(batch, error);
        await this.#writeSingly(database, batch);
      }
    }
  }

  /** A full disk is no reason to lose what fits into memory. */
  #putBack(batch: T[], error: unknown): void {
    this.#waiting = [...batch, ...this.#waiting];
    this.#timer ??= setTimeout(() => void this.flush(), RETRY_MS).unref();
    if (!this.#isOut) this.#options.onError(error);
    this.#isOut = true;
  }

  /** One of them can not be stored: the others are. */
  async #writeSingly(database: Database, batch: readonly T[]): Promise<void> {
    for (const row of batch) {
      try {
        await this.#options.insert(database, [row]);
        this.#options.onWritten(1);
      } catch (error) {
        this.#options.onDropped(1, 'write_failed');
        this.#options.onError(error);
      }
    }
  }
}

function isOutage(error: unknown): boolean {
  return isSeedError(error) && (error.code === 'storage_full' || error.code === 'database_unavailable');
}
