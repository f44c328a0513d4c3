// Reads what was written, on one node of the cluster at a time: woken by new events, and looking by itself from time to time.
import type { Database } from './database.ts';
import { Loop } from './loop.ts';
import { ReaderLease } from './reader-lease.ts';
import { EVENTS_CHANNEL } from './streams.ts';

export interface ReaderTimes {
  /** How often it looks without a wake-up, default 2,000. */
  pollMs?: number | undefined;
  /** When another node may take over from a silent one, default 15,000. */
  leaseMs?: number | undefined;
}

export interface Turn {
  /** The position of the checkpoint. */
  after: number;
  /** Held. */
  lease: ReaderLease;
  signal: AbortSignal;
}

interface LeasedReaderOptions extends ReaderTimes {
  database: Database;
  /** Of its checkpoint. */
  name: string;
  onError: (error: unknown) => void;
  /** @returns again: there is more */
  look(turn: Turn): Promise<'again' | 'idle'>;
}

export class LeasedReader {
  readonly #lease: ReaderLease;
  readonly #loop: Loop;
  readonly #stopListening: () => void;

  /** Starts at once, with what an earlier life left. */
  constructor({ database, name, onError, look, pollMs = 2000, leaseMs = 15_000 }: LeasedReaderOptions) {
    const lease = new ReaderLease({ database, name, leaseMs, onError });
    this.#lease = lease;
    this.#loop = new Loop({
      pollMs,
      onError,
      look: async (signal) => {
        const after = await lease.hold();
        return after === undefined ? 'idle' : look({ after, lease, signal });
      },
    });
    this.#stopListening = database.listen(EVENTS_CHANNEL, () => this.#loop.wake());
    this.#loop.wake();
  }

  async close(): Promise<void> {
    this.#stopListening();
    await this.#loop.close();
    await this.#lease.release();
  }
}
