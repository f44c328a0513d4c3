// Load whose every acknowledgement is checked: counters that only count each request once, and calls that keep no state.
import type { SeedProcess } from '../../test/seed-process.ts';
import { createAgents, COUNTER, DOUBLE, upload } from '../../test/fixtures.ts';

const COUNTERS = 8;
const ECHOES = 4;
/** Between two calls of a client: load, not a flood. */
const REST_MS = 5;
const AGAIN_MS = 20;

/** What is being killed, as far as it decides which failures are its own. */
export type Fault = 'none' | 'serving' | 'work' | 'node';

export interface LedgerEnd {
  acknowledged: number;
  /** Acknowledged requests that are not in the state … */
  lost: number;
  /** … and those that are in it twice. */
  doubled: number;
  /** Calls that ended with the process they were in, and said so. */
  inside: number;
  /** Calls that came while no node was there to take them. */
  waited: number;
  /** Every other failure: there must be none. */
  collateral: readonly string[];
}

interface Answer {
  status: number;
  body: { data?: { n?: number }; code?: string; error?: string; details?: { failure?: string } } | null;
}

export class Ledger {
  /** Changes with every life of the program. */
  seed: SeedProcess;
  fault: Fault = 'none';
  #acknowledged = 0;
  #lost = 0;
  #doubled = 0;
  #inside = 0;
  #waited = 0;
  readonly #collateral: string[] = [];
  readonly #stop = new AbortController();
  readonly #clients: Promise<unknown>;

  private constructor(seed: SeedProcess) {
    this.seed = seed;
    this.#clients = Promise.all([
      ...Array.from({ length: COUNTERS }, (_, index) => this.#count(`client-${index}`)),
      ...Array.from({ length: ECHOES }, () => this.#echo()),
    ]);
  }

  static async start(seed: SeedProcess): Promise<Ledger> {
    await createAgents(seed, [upload('ledger', COUNTER, "capabilities: ['state'],"), upload('double', DOUBLE)]);
    return new Ledger(seed);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Every client ends when its last request is acknowledged. */
  async end(): Promise<LedgerEnd> {
    this.#stop.abort();
    await this.#clients;
    return {
      acknowledged: this.#acknowledged,
      lost: this.#lost,
      doubled: this.#doubled,
      inside: this.#inside,
      waited: this.#waited,
      collateral: this.#collateral,
    };
  }

  /** Its nth request must find n - 1 before it. One that was not acknowledged is sent again with its own key. */
  async #count(key: string): Promise<void> {
    let expected = 0;
    for (let request = 1; !this.#stop.signal.aborted; request += 1) {
      expected += 1;
      const count = await this.#acknowledge(key, request);
      this.#lost += Math.max(0, expected - count);
      this.#doubled += Math.max(0, count - expected);
      // Told once.
      expected = count;
      await rest(REST_MS);
    }
  }

  async #acknowledge(key: string, request: number): Promise<number> {
    for (;;) {
      const answer = await this.#post('ledger', { input: { n: 1 }, key }, { 'idempotency-key': `${key}-${request}` });
      if (answer?.status === 200) {
        this.#acknowledged += 1;
        return answer.body?.data?.n ?? Number.NaN;
      }
      this.#failed(answer);
      await rest(AGAIN_MS);
    }
  }

  async #echo(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const answer = await this.#post('double', { input: { n: 21 } });
      if (answer?.status === 200 && answer.body?.data?.n === 42) this.#acknowledged += 1;
      else this.#failed(answer);
      await rest(answer === null ? AGAIN_MS : REST_MS);
    }
  }

  async #post(agent: string, body: object, headers: Record<string, string> = {}): Promise<Answer | null> {
    return this.seed.api<Answer['body']>('POST', `/api/agents/${agent}/invoke`, body, headers).catch(() => null);
  }

  /** `answer` is null when there was none: the connection was refused or broke. */
  #failed(answer: Answer | null): void {
    const nodeIsDown = this.fault === 'node';
    if (answer === null && nodeIsDown) this.#waited += 1;
    else if (answer?.status === 503 && nodeIsDown) this.#waited += 1;
    // The one call that was running in a host that died can not be told from the one that killed it: it is never run again.
    else if (answer?.body?.details?.failure === 'host_lost' && this.fault === 'serving') this.#inside += 1;
    else this.#collateral.push(answer === null ? 'no answer' : `${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
