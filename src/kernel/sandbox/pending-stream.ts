// The stream of a call, as the parent sees it: gives its reader the chunks in their order, and its isolate as much room as the reader
// makes. What is on the way between the two is bounded by the window, whoever is slow.
import type { StreamReader } from './call.ts';

/** What may be on its way to the reader: the generator stands still when one of the two is reached. */
const WINDOW_CHUNKS = 64;
const WINDOW_CHARS = 131_072;

/** Longest life of a stream whose contract does not say, reader's pauses included. */
const DEFAULT_STREAM_MS = 600_000;

export interface Room {
  chunks: number;
  chars: number;
}

export interface PendingStreamOptions {
  /** Null: the chunks are kept. */
  reader: StreamReader | null;
  limits: { idleMs: number; streamMs?: number | undefined };
  /** From a record first: room is what the record says, until `goLive`. */
  isReplayed: boolean;
  /** The isolate may go on until it has given out so much in all. */
  grant: (room: Room) => void;
  /** It came to an end of its own making: a limit in time, or its reader would not have a chunk. */
  onEnd: (reason: { failure: 'deadline' | 'cancelled'; message: string } | { failure: 'threw'; error: unknown }) => void;
}

export class PendingStream implements Disposable {
  readonly #options: PendingStreamOptions;
  readonly #kept: string[] = [];
  readonly #given: Room = { chunks: 0, chars: 0 };
  readonly #taken: Room = { chunks: 0, chars: 0 };
  #room: Room = { chunks: 0, chars: 0 };
  #isLive: boolean;
  readonly #life: NodeJS.Timeout;
  #idle: NodeJS.Timeout | undefined;
  /** Since when a chunk is owed, performance.now(); null while it waits for its reader. */
  #owedSinceMs: number | null = null;
  /** Of its life, until the reader last had room again. */
  #heldMs = 0;
  #heldSinceMs: number | null = null;
  #isDisposed = false;

  constructor(options: PendingStreamOptions) {
    const { streamMs = DEFAULT_STREAM_MS } = options.limits;
    this.#options = options;
    this.#isLive = !options.isReplayed;
    this.#life = setTimeout(() => this.#livedTooLong(streamMs), streamMs);
    this.#makeRoom();
  }

  /** It waits for its reader: nothing is owed. */
  get isHeld(): boolean {
    return this.#given.chunks >= this.#room.chunks || this.#given.chars >= this.#room.chars;
  }

  /** The chunks, where no reader had them: a JSON list. */
  get keptJson(): string {
    return this.#options.reader === null ? `[${this.#kept.join(',')}]` : '';
  }

  take(json: string): void {
    this.#given.chunks += 1;
    this.#given.chars += json.length;
    this.#watchIdle();
    let taking: Promise<void> | undefined;
    try {
      if (this.#options.reader === null) this.#kept.push(json);
      else taking = this.#options.reader.chunk(json);
    } catch (error) {
      return this.#refused(error);
    }
    if (taking === undefined) return this.#took(json.length);
    taking.then(
      () => this.#took(json.length),
      (error: unknown) => this.#refused(error),
    );
  }

  /** As its record says. */
  grant(room: Room): void {
    this.#room = room;
    this.#options.grant(room);
    this.#watchIdle();
  }

  /** The record is used up. */
  goLive(): void {
    this.#isLive = true;
    this.#makeRoom();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#owedSinceMs = null;
    clearTimeout(this.#life);
    clearTimeout(this.#idle);
  }

  #took(chars: number): void {
    this.#taken.chunks += 1;
    this.#taken.chars += chars;
    this.#makeRoom();
  }

  #refused(error: unknown): void {
    if (!this.#isDisposed) this.#options.onEnd({ failure: 'threw', error });
  }

  /** Half a window at a time: an entry into the isolate costs more than most chunks. */
  #makeRoom(): void {
    if (!this.#isLive || this.#isDisposed) return;
    const room = { chunks: this.#taken.chunks + WINDOW_CHUNKS, chars: this.#taken.chars + WINDOW_CHARS };
    const isMuch = room.chunks - this.#room.chunks >= WINDOW_CHUNKS / 2 || room.chars - this.#room.chars >= WINDOW_CHARS / 2;
    if (isMuch) this.grant(room);
  }

  /** While it waits for its reader it may be as silent as it likes. One timer, set again when it fires: chunks are many. */
  #watchIdle(): void {
    const nowMs = performance.now();
    const { isHeld } = this;
    if (!isHeld && this.#heldSinceMs !== null) this.#heldMs += nowMs - this.#heldSinceMs;
    this.#heldSinceMs = isHeld ? (this.#heldSinceMs ?? nowMs) : null;
    this.#owedSinceMs = isHeld || this.#isDisposed ? null : nowMs;
    if (this.#owedSinceMs !== null) this.#idle ??= setTimeout(() => this.#checkIdle(), this.#options.limits.idleMs);
  }

  #checkIdle(): void {
    this.#idle = undefined;
    if (this.#owedSinceMs === null) return;
    const { idleMs } = this.#options.limits;
    const leftMs = this.#owedSinceMs + idleMs - performance.now();
    if (leftMs > 0) this.#idle = setTimeout(() => this.#checkIdle(), leftMs);
    else this.#options.onEnd({ failure: 'deadline', message: `the stream gave no chunk for ${idleMs} ms` });
  }

  /** A reader that dawdles must not speak against the version. */
  #livedTooLong(streamMs: number): void {
    const nowMs = performance.now();
    const heldMs = this.#heldMs + (this.#heldSinceMs === null ? 0 : nowMs - this.#heldSinceMs);
    const message = `the stream has not ended after ${streamMs} ms`;
    if (heldMs < streamMs / 2) this.#options.onEnd({ failure: 'deadline', message });
    else this.#options.onEnd({ failure: 'cancelled', message: `${message}, most of which it waited for its reader` });
  }
}
