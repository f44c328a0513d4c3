// One stateful instance of an agent, like a virtual actor: its calls run one after the other, under a claim that only
// one node of the cluster can hold, and its state is kept in memory for as long as the claim is.
import { SeedError } from '#lib/error.ts';
import type { Claim, IdempotentAnswer, StateStore } from './state-store.ts';

const LEASE_MS = 15_000;

export interface InstanceOptions {
  agent: string;
  key: string;
  store: StateStore;
  /** Monotonic milliseconds. */
  monotonicMs: () => number;
  /** Calls that may wait for their turn. */
  queueLimit: number;
}

/** What a call leaves behind. */
export interface InstanceCommit {
  /** undefined: the state was not set. */
  stateJson: string | undefined;
  stateHash: string;
  idempotency: { key: string; answer: IdempotentAnswer } | null;
}

/** The instance as the call that has its turn sees it. */
export interface InstanceTurn {
  stateJson(): Promise<string | null>;
  commit(commit: InstanceCommit): Promise<void>;
}

export class Instance {
  readonly #options: InstanceOptions;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #claim: Claim | null = null;
  #leaseUntilMs = 0;
  usedAtMs: number;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.usedAtMs = options.monotonicMs();
  }

  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Runs `call` when all calls before it have ended.
   * @throws SeedError `queue_full` when too many wait already.
   */
  async turn<T>(call: (turn: InstanceTurn) => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#options.queueLimit) {
      throw new SeedError(
        'queue_full',
        `${this.#waiting} calls already wait for ${this.#options.agent} ${JSON.stringify(this.#options.key)}`,
        {
          retryAfterMs: 1_000,
        },
      );
    }
    this.#waiting += 1;
    const before = this.#tail;
    const ended = (async () => {
      await before;
      try {
        return await call(this.#turn());
      } finally {
        this.#waiting -= 1;
        this.usedAtMs = this.#options.monotonicMs();
      }
    })();
    this.#tail = ended.catch(() => undefined);
    return ended;
  }

  /** Gives the claim back after the last call. */
  async close(): Promise<void> {
    await this.#tail;
    const claim = this.#claim;
    this.#claim = null;
    if (claim !== null) await this.#options.store.release(this.#options.agent, this.#options.key, claim.fence);
  }

  #turn(): InstanceTurn {
    // A call commits under the claim it read the state with: had another node written since, the fence stops it.
    let claim: Claim | null = null;
    return {
      stateJson: async () => (claim ??= await this.#claimed()).stateJson,
      commit: async (commit) => {
        if (commit.stateJson === undefined && commit.idempotency === null) return;
        if (commit.stateJson !== undefined) claim ??= await this.#claimed();
        await this.#commit(claim, commit);
      },
    };
  }

  /** The claim, renewed when its lease may be over: another node may have written in between. */
  async #claimed(): Promise<Claim> {
    const nowMs = this.#options.monotonicMs();
    if (this.#claim !== null && nowMs < this.#leaseUntilMs) return this.#claim;
    const claim = await this.#options.store.claim(this.#options.agent, this.#options.key, LEASE_MS);
    // Counted from before the request, so that our idea of the end is never later than the database's.
    this.#leaseUntilMs = nowMs + LEASE_MS;
    this.#claim = claim;
    return claim;
  }

  async #commit(claim: Claim | null, commit: InstanceCommit): Promise<void> {
    const { agent, key, store, monotonicMs } = this.#options;
    const { stateJson, stateHash, idempotency } = commit;
    const written = claim !== null && stateJson !== undefined ? { key, fence: claim.fence, stateJson, stateHash } : null;
    const startedMs = monotonicMs();
    try {
      await store.commit({ agent, instance: written, idempotency }, LEASE_MS);
    } catch (error) {
      // Whether it was written is not known, or the claim is lost: what is in memory must not be believed any more.
      this.#claim = null;
      throw error;
    }
    if (written === null || claim === null) return;
    this.#leaseUntilMs = startedMs + LEASE_MS;
    this.#claim = { fence: claim.fence, revision: claim.revision + 1, stateJson: written.stateJson, stateHash };
  }
}
