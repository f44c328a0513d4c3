// What this node has seen of versions: a number never means another hash, so nobody needs to be asked twice.
import type { VersionRecord } from './artifact-store.ts';

export class KnownVersions {
  readonly #byHash = new Map<string, VersionRecord>();
  readonly #byNumber = new Map<string, VersionRecord>();

  add(record: VersionRecord): void {
    this.#byHash.set(`${record.agent} ${record.hash}`, record);
    this.#byNumber.set(`${record.agent} ${record.number}`, record);
  }

  hashed(agent: string, hash: string): VersionRecord | undefined {
    return this.#byHash.get(`${agent} ${hash}`);
  }

  /** @param reference `v3` or `3`; anything else is not known */
  numbered(agent: string, reference: string): VersionRecord | undefined {
    const number = /^v?([1-9]\d{0,8})$/.exec(reference)?.[1];
    return number === undefined ? undefined : this.#byNumber.get(`${agent} ${number}`);
  }

  /** Some may be forgotten for ever. */
  clear(): void {
    this.#byHash.clear();
    this.#byNumber.clear();
  }
}
