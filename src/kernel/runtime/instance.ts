// One stateful instance of an agent, like a virtual actor: its calls run one after the other, under a claim that only
// one node of the cluster can hold, and its state is kept in memory for as long as the claim is.
import { SeedError } from '#lib/error.ts';
import type { ParkingCommit } from './parked-call.ts';
import type { Claim, ClaimedKey, IdempotentAnswer, StateStore, StateWrite } from './state-store.ts';

/** `details.reason` of a call that met a state of a version it does not read. */
export const STATE_MIGRATED = 'state_migrated';

const LEASE_MS = 15_000;
/** While a call runs, so that one that takes longer than a lease is not taken over as if its node were gone. */
const RENEW_MS = 5_000;

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
  /** Of the version that ran. */
  stateVersion: number;
  idempotency: { key: string; answer: IdempotentAnswer } | null;
  /** What becomes of a parked call with it. */
  parking?: ParkingCommit;
}

/** The instance as the call that has its turn sees it. */
export interface InstanceTurn {
  /**
   * What is stored, under the claim of this turn.
   * @throws SeedError `conflict` while another node holds the instance
   */
  claim(): Promise<Claim>;
  /**
   * From here on the turn is that of a version which reads this version of the state.
   * @param stateJson what the stored state has become for it, to be committed with the call; left out where they are the same
   */
  reads(stateVersion: number, stateJson?: string): void;
  /** What the call sees. @throws SeedError `conflict` also when the state has a version that the call's does not read */
  stateJson(): Promise<string | null>;
  commit(commit: InstanceCommit): Promise<void>;
  /** Changes what is stored under the claim, without a call; the turn finds it as it is then. */
  settle<T>(change: (at: ClaimedKey) => Promise<T>): Promise<T>;
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
      const turn = this.#turn();
      const renewal = setInterval(turn.renew, RENEW_MS);
      try {
        return await call(turn);
      } finally {
        clearInterval(renewal);
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

  #turn(): InstanceTurn & { renew: () => void } {
    const { agent, key, store } = this.#options;
    // A call commits under the claim it read the state with: had another node written since, the fence stops it.
    let claim: Claim | null = null;
    let reads: { stateVersion: number; changed: string | undefined } = { stateVersion: 1, changed: undefined };
    const claimed = async (): Promise<Claim> => (claim ??= await this.#claimed());
    const readable = async (): Promise<Claim> => {
      const current = await claimed();
      if (reads.changed !== undefined || current.stateJson === null || current.stateVersion === reads.stateVersion) return current;
      throw otherVersion({ agent, key, stateVersion: current.stateVersion }, reads.stateVersion);
    };
    return {
      claim: claimed,
      reads: (stateVersion, changed) => (reads = { stateVersion, changed }),
      stateJson: async () => {
        const { stateJson } = await readable();
        return reads.changed ?? stateJson;
      },
      commit: async (commit) => {
        const { idempotency, parking } = commit;
        const beside = { idempotency, ...(parking === undefined ? {} : { parking }) };
        const stateJson = commit.stateJson ?? reads.changed;
        if (stateJson === undefined) {
          if (commit.idempotency !== null || commit.parking !== undefined)
            await store.commit({ agent, instance: null, ...beside }, LEASE_MS);
          return;
        }
        const held = await readable();
        const { stateHash, stateVersion } = commit;
        const replacesVersion = held.stateJson !== null && held.stateVersion !== stateVersion;
        const written = commit.stateJson !== undefined;
        await this.#commit(held, { stateJson, stateHash, stateVersion, written, replacesVersion }, beside);
      },
      settle: async (change) => {
        const { fence } = await claimed();
        claim = null;
        this.#claim = null;
        return change({ agent, key, fence });
      },
      renew: () => {
        // Whether it is still ours is for the commit to find out.
        if (claim !== null) store.renew({ agent, key, fence: claim.fence }, LEASE_MS).catch(() => undefined);
      },
    };
  }

  /** The claim, renewed when its lease may be over: another node may have written in between. */
  async #claimed(): Promise<Claim> {
    const nowMs = this.#options.monotonicMs();
    if (this.#claim !== null && nowMs < this.#leaseUntilMs) return this.#claim;
    const claim = await this.#options.store.claim(this.#options.agent, this.#options.key, LEASE_MS);
    // Counted from before the request, so that our idea of the end is never later than the database's.
    this.#remember(claim, nowMs);
    return claim;
  }

  async #commit(
    claim: Claim,
    write: Omit<StateWrite, 'key' | 'fence'>,
    beside: Pick<InstanceCommit, 'idempotency' | 'parking'>,
  ): Promise<void> {
    const { agent, key, store, monotonicMs } = this.#options;
    const startedMs = monotonicMs();
    try {
      await store.commit({ agent, instance: { key, fence: claim.fence, ...write }, ...beside }, LEASE_MS);
    } catch (error) {
      // Whether it was written is not known, or the claim is lost: what is in memory must not be believed any more.
      this.#claim = null;
      throw error;
    }
    const { stateJson, stateHash, stateVersion, replacesVersion } = write;
    const changed = replacesVersion ? { migrations: claim.migrations + 1, frozenHash: null } : {};
    this.#remember({ ...claim, revision: claim.revision + 1, stateJson, stateHash, stateVersion, ...changed }, startedMs);
  }

  /** An instance that is frozen may be thawed by others than its calls: each of those looks again. */
  #remember(claim: Claim, fromMs: number): void {
    this.#claim = claim;
    this.#leaseUntilMs = claim.frozenHash === null ? fromMs + LEASE_MS : fromMs;
  }
}

/** Of a pinned version, or one that another node was faster to replace: nobody's fault. */
function otherVersion(at: { agent: string; key: string; stateVersion: number }, readVersion: number): SeedError {
  const { agent, key, stateVersion } = at;
  return new SeedError(
    'conflict',
    `the state of ${agent} ${JSON.stringify(key)} has version ${stateVersion}, the version that was called reads ${readVersion}`,
    {
      details: { reason: STATE_MIGRATED, key, stateVersion, readVersion },
      hint: 'only the live version changes states: call it without a pinned version',
    },
  );
}
