// Writes a call's journal while it runs, as texts: values are parsed when somebody wants the journal, and most calls are not recorded.
import type { Journal, JournalChunks, JournalEntry, JournalError, JournalLeave, JournalRoom } from './journal.ts';

interface Result {
  time: number;
  ok: boolean;
  json: string;
}

type Entry = { seq: number; name: string; argsJson: string } | ({ seq: number } & Result) | JournalChunks | JournalRoom | JournalLeave;

export class JournalRecorder {
  readonly #time: number;
  readonly #seed: number;
  readonly #sent = new Map<number, Result>();
  #entries: Entry[] = [];

  constructor(time: number, seed: number) {
    this.#time = time;
    this.#seed = seed;
  }

  /** The isolate has asked. */
  request(seq: number, options: { name: string; argsJson: string }): void {
    this.#entries.push({ seq, ...options });
  }

  /** The isolate has given out a chunk. */
  chunk(): void {
    const last = this.#entries.at(-1);
    if (last !== undefined && 'chunks' in last) last.chunks += 1;
    else this.#entries.push({ chunks: 1 });
  }

  /** A result is on its way; it counts when the isolate has taken it. */
  sent(seq: number, result: Result): void {
    this.#sent.set(seq, result);
  }

  /** A result is on its way that the isolate has not taken yet. */
  get isOwing(): boolean {
    return this.#sent.size > 0;
  }

  /** `list`: what the isolate has taken, in that order, separated by commas: numbers of requests, `chunks:chars` of room, `leave`. */
  delivered(list: string): void {
    if (list === '') return;
    for (const item of list.split(',')) {
      const [first, chars] = item.split(':');
      const seq = Number(first);
      const result = this.#sent.get(seq);
      if (first === 'leave') this.#entries.push({ left: true });
      else if (chars !== undefined) this.#entries.push({ room: { chunks: seq, chars: Number(chars) } });
      else if (result !== undefined) this.#entries.push({ seq, ...result });
      if (chars === undefined) this.#sent.delete(seq);
    }
  }

  journal(): Journal {
    return { journal: 1, time: this.#time, seed: this.#seed, entries: this.#entries.map(parsed) };
  }
}

function parsed(entry: Entry): JournalEntry {
  if (!('seq' in entry)) return entry;
  const { seq } = entry;
  if ('name' in entry) return { seq, name: entry.name, args: JSON.parse(entry.argsJson) as unknown };
  const value = JSON.parse(entry.json) as unknown;
  return entry.ok ? { seq, time: entry.time, value } : { seq, time: entry.time, error: value as JournalError };
}
