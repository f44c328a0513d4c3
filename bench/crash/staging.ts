// New versions all the time, so that there is a validator at work to be killed: every one that was acknowledged must be there in the end.
import { agentOf, DOUBLE } from '../../test/fixtures.ts';
import type { Ledger } from './ledger.ts';

export class Staging {
  readonly #ledger: Ledger;
  readonly #acknowledged: { version: number; hash: string }[] = [];
  readonly #refused: string[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#done = this.#run();
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** @returns versions that were acknowledged and are not there, and what was refused for another reason than the dead process */
  async end(): Promise<{ staged: number; lost: number; collateral: readonly string[] }> {
    this.#stop.abort();
    await this.#done;
    const found = await Promise.all(this.#acknowledged.map((one) => this.#isThere(one)));
    const lost = found.filter((isThere) => !isThere).length;
    return { staged: this.#acknowledged.length, lost, collateral: this.#refused };
  }

  /** Loaded from the store, so with its files and its signature. */
  async #isThere({ version, hash }: { version: number; hash: string }): Promise<boolean> {
    const answer = await this.#ledger.seed.api<{ data: { hash: string } }>('GET', `/api/code/double/versions/v${version}`);
    return answer.status === 200 && answer.body.data.hash === hash;
  }

  async #run(): Promise<void> {
    for (let number = 1; !this.#stop.signal.aborted; number += 1) {
      const from = { 'agent.ts': agentOf(`const number = ${number}; ${DOUBLE}`) };
      const answer = await this.#ledger.seed
        .api<{ data: { version: number; hash: string }; code?: string }>('POST', '/api/code/double/versions', { from })
        .catch(() => null);
      if (answer?.status === 201) this.#acknowledged.push(answer.body.data);
      // What the killed process was doing may fail, and must say that it can be tried again.
      else if (answer !== null && answer.status !== 503)
        this.#refused.push(`staging: ${answer.status} ${JSON.stringify(answer.body).slice(0, 300)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
