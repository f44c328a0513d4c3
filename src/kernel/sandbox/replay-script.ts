// Leads a call through its recorded journal: compares what it asks for with the record and says which result comes next. Pure.
import { canonicalJson } from '#lib/canonical-json.ts';
import type { Divergence } from './call.ts';
import type { Journal, JournalRequest, JournalResult } from './journal.ts';

export type ReplayStep =
  | { kind: 'deliver'; result: JournalResult }
  | { kind: 'diverged'; divergence: Divergence }
  /** The record is used up: these requests still wait for their result. */
  | { kind: 'live'; open: readonly JournalRequest[] };

export class ReplayScript {
  readonly #entries: Journal['entries'];
  #index = 0;
  #seen: JournalRequest[] = [];
  readonly #open = new Map<number, JournalRequest>();

  constructor(journal: Journal) {
    this.#entries = journal.entries;
  }

  /** `told`: a request that gets no result. */
  saw(request: JournalRequest, options: { told: boolean }): void {
    this.#seen.push(request);
    if (!options.told) this.#open.set(request.seq, request);
  }

  /** After an entry: what the call has asked for in it must be what comes next in the record. */
  next(): ReplayStep {
    const divergence = this.#compare();
    if (divergence !== null) return { kind: 'diverged', divergence };
    const entry = this.#entries[this.#index];
    if (entry === undefined) return { kind: 'live', open: [...this.#open.values()] };
    // Compared already: what is left here is a result.
    this.#index += 1;
    this.#open.delete(entry.seq);
    return { kind: 'deliver', result: entry as JournalResult };
  }

  /** The call has ended: requests of the record that it never made, or made and the record does not have. */
  end(): Divergence | null {
    const divergence = this.#compare();
    if (divergence !== null) return divergence;
    const index = this.#entries.findIndex((entry, at) => at >= this.#index && isRequest(entry));
    return index < 0 ? null : { index, recorded: this.#entries[index] as JournalRequest, seen: null };
  }

  #compare(): Divergence | null {
    for (const seen of this.#seen) {
      const entry = this.#entries[this.#index];
      // Beyond the record everything is new.
      if (entry === undefined) break;
      const recorded = isRequest(entry) ? entry : null;
      if (recorded === null || !isSame(recorded, seen)) return { index: this.#index, recorded, seen };
      this.#index += 1;
    }
    this.#seen = [];
    const entry = this.#entries[this.#index];
    // The record goes on with a request that the call has not made in this entry, so it never will.
    return entry !== undefined && isRequest(entry) ? { index: this.#index, recorded: entry, seen: null } : null;
  }
}

function isRequest(entry: JournalRequest | JournalResult): entry is JournalRequest {
  return 'name' in entry;
}

/** A store may keep the members of an object in another order. */
function isSame(a: JournalRequest, b: JournalRequest): boolean {
  return a.seq === b.seq && a.name === b.name && canonicalJson(a.args) === canonicalJson(b.args);
}
