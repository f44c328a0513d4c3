// Leads a call through its recorded journal: compares what it asks for with the record and says which result comes next. Pure.
import { canonicalJson } from '#lib/canonical-json.ts';
import type { Divergence } from './call.ts';
import type { Journal, JournalChunks, JournalEntry, JournalRequest, JournalResult, JournalRoom } from './journal.ts';

export type ReplayStep =
  | { kind: 'deliver'; result: JournalResult }
  /** The stream's reader had so much room, or went away. */
  | { kind: 'room'; room: JournalRoom['room'] }
  | { kind: 'left' }
  | { kind: 'diverged'; divergence: Divergence }
  /** The record is used up: these requests still wait for their result. */
  | { kind: 'live'; open: readonly JournalRequest[] };

export class ReplayScript {
  readonly #entries: Journal['entries'];
  #index = 0;
  #seen: (JournalRequest | JournalChunks)[] = [];
  readonly #open = new Map<number, JournalRequest>();

  constructor(journal: Journal) {
    this.#entries = journal.entries;
  }

  /** `told`: a request that gets no result. @returns whether it stands in the record: then whatever it told is done */
  saw(request: JournalRequest, options: { told: boolean }): boolean {
    const isRecorded = this.#index + this.#seen.length < this.#entries.length;
    this.#seen.push(request);
    if (!options.told) this.#open.set(request.seq, request);
    return isRecorded;
  }

  /** The stream has given out a chunk. */
  sawChunk(): void {
    const last = this.#seen.at(-1);
    if (last !== undefined && 'chunks' in last) last.chunks += 1;
    else this.#seen.push({ chunks: 1 });
  }

  /** After an entry: what the call has asked for in it must be what comes next in the record. */
  next(): ReplayStep {
    const divergence = this.#compare();
    if (divergence !== null) return { kind: 'diverged', divergence };
    const entry = this.#entries[this.#index];
    if (entry === undefined) return { kind: 'live', open: [...this.#open.values()] };
    // Compared already: what is left here is what the isolate was given.
    this.#index += 1;
    if ('room' in entry) return { kind: 'room', room: entry.room };
    if ('left' in entry) return { kind: 'left' };
    const result = entry as JournalResult;
    this.#open.delete(result.seq);
    return { kind: 'deliver', result };
  }

  /** The call has ended: requests and chunks of the record that it never made, or made and the record does not have. */
  end(): Divergence | null {
    const divergence = this.#compare();
    if (divergence !== null) return divergence;
    const index = this.#entries.findIndex((entry, at) => at >= this.#index && isMade(entry));
    return index < 0 ? null : { index, recorded: this.#entries[index] as JournalRequest | JournalChunks, seen: null };
  }

  #compare(): Divergence | null {
    for (const seen of this.#seen) {
      const entry = this.#entries[this.#index];
      // Beyond the record everything is new.
      if (entry === undefined) break;
      const recorded = isMade(entry) ? entry : null;
      const isLast = this.#index === this.#entries.length - 1;
      if (recorded === null || !isSame(recorded, seen, isLast)) return { index: this.#index, recorded, seen };
      this.#index += 1;
    }
    this.#seen = [];
    const entry = this.#entries[this.#index];
    // The record goes on with something that the call has not done in this entry, so it never will.
    return entry !== undefined && isMade(entry) ? { index: this.#index, recorded: entry, seen: null } : null;
  }
}

/** By the isolate; everything else it was given. */
function isMade(entry: JournalEntry): entry is JournalRequest | JournalChunks {
  return 'name' in entry || 'chunks' in entry;
}

/** A store may keep the members of an object in another order. */
function isSame(a: JournalRequest | JournalChunks, b: JournalRequest | JournalChunks, isLast: boolean): boolean {
  // A record may break off in the middle of what one entry gave out.
  if ('chunks' in a || 'chunks' in b) return 'chunks' in a && 'chunks' in b && (a.chunks === b.chunks || (isLast && b.chunks > a.chunks));
  return a.seq === b.seq && a.name === b.name && canonicalJson(a.args) === canonicalJson(b.args);
}
