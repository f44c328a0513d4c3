// The last log records of this process, kept in memory for those who ask later or want to follow.
import { LEVEL_ORDER, type LogLevel } from './log-level.ts';

/** Of a record that was asked for: its place among all records, also those of this node's former lives. No name that a field could have. */
export const SEQUENCE = Symbol('sequence');

/** One record as it was written: redacted already. */
export interface LogRecord {
  /** ISO 8601, UTC. */
  time: string;
  level: LogLevel;
  /** `domain.noun.verb` */
  event: string;
  message: string;
  module?: string;
  agent?: string;
  [SEQUENCE]?: number;
  [field: string]: unknown;
}

export interface LogFilter {
  /** This level and worse. */
  level?: LogLevel;
  /** This module and what is below it: `kernel` also finds `kernel.sandbox`. */
  module?: string;
  agent?: string;
  /** Milliseconds since the epoch; records of that moment included. */
  sinceMs?: number;
  /** Records whose sequence is larger. */
  after?: number;
  /** The newest so many. Default: all that are kept. */
  limit?: number;
}

export interface LogRecordsOptions {
  /** Default 5,000. */
  maxRecords?: number;
  /** Of their text, all together. Default 8 MiB. */
  maxBytes?: number;
  /** Records that may wait for one follower before its oldest are dropped. Default 1,000. */
  maxWaiting?: number;
}

interface Kept {
  sequence: number;
  level: LogLevel;
  timeMs: number;
  line: string;
}

/** Records that one millisecond has room for; a busier one borrows from the next. */
const PER_MS = 1_000;

/** A ring of lines: a record is parsed only when somebody asks for it. */
export class LogRecords {
  readonly #maxRecords: number;
  readonly #maxBytes: number;
  readonly #maxWaiting: number;
  readonly #followers = new Set<LogFollower>();
  #kept: Kept[] = [];
  /** Index of the oldest that still counts; the array is cut when half of it is stale. */
  #first = 0;
  #bytes = 0;
  #sequence = 0;

  constructor(options: LogRecordsOptions = {}) {
    this.#maxRecords = options.maxRecords ?? 5_000;
    this.#maxBytes = options.maxBytes ?? 8 * 1024 * 1024;
    this.#maxWaiting = options.maxWaiting ?? 1_000;
  }

  /** @param line the record as JSON */
  add(level: LogLevel, timeMs: number, line: string): void {
    // From the clock, so that it goes on where a former life ended.
    const sequence = (this.#sequence = Math.max(this.#sequence + 1, timeMs * PER_MS));
    this.#kept.push({ sequence, level, timeMs, line });
    this.#bytes += line.length;
    while (this.#kept.length - this.#first > this.#maxRecords || this.#bytes > this.#maxBytes) {
      this.#bytes -= this.#kept[this.#first]?.line.length ?? 0;
      this.#first += 1;
    }
    if (this.#first > this.#kept.length / 2) {
      this.#kept = this.#kept.slice(this.#first);
      this.#first = 0;
    }
    if (this.#followers.size === 0) return;
    const record = recordOf(line, sequence);
    for (const follower of this.#followers) follower.offer(record);
  }

  /** Oldest first. */
  query(filter: LogFilter = {}): LogRecord[] {
    const limit = filter.limit ?? Infinity;
    const found: LogRecord[] = [];
    for (let index = this.#kept.length - 1; index >= this.#first && found.length < limit; index -= 1) {
      const kept = this.#kept[index];
      if (kept === undefined || LEVEL_ORDER[kept.level] < LEVEL_ORDER[filter.level ?? 'debug']) continue;
      if (kept.timeMs < (filter.sinceMs ?? -Infinity) || kept.sequence <= (filter.after ?? -Infinity)) continue;
      const record = recordOf(kept.line, kept.sequence);
      if (matches(record, filter)) found.push(record);
    }
    return found.toReversed();
  }

  /** Records from now on, until the iteration is left, `signal` is aborted or the log is closed. */
  follow(filter: LogFilter = {}, signal?: AbortSignal): LogFollower {
    const follower = new LogFollower(filter, this.#maxWaiting, () => this.#followers.delete(follower));
    this.#followers.add(follower);
    if (signal?.aborted === true) follower.close();
    else signal?.addEventListener('abort', () => follower.close(), { once: true });
    return follower;
  }

  close(): void {
    for (const follower of this.#followers) follower.close();
  }
}

/** A slow reader loses the oldest records that wait for it, never the program's memory. */
export class LogFollower implements AsyncIterableIterator<LogRecord> {
  readonly #filter: LogFilter;
  readonly #maxWaiting: number;
  readonly #onClose: () => void;
  readonly #waiting: LogRecord[] = [];
  readonly #readers: ((result: IteratorResult<LogRecord>) => void)[] = [];
  #dropped = 0;
  #closed = false;

  constructor(filter: LogFilter, maxWaiting: number, onClose: () => void) {
    this.#filter = filter;
    this.#maxWaiting = maxWaiting;
    this.#onClose = onClose;
  }

  /** Records this reader has lost. */
  get dropped(): number {
    return this.#dropped;
  }

  offer(record: LogRecord): void {
    if (this.#closed || !matches(record, this.#filter)) return;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader({ done: false, value: record });
      return;
    }
    this.#waiting.push(record);
    if (this.#waiting.length > this.#maxWaiting) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
  }

  next(): Promise<IteratorResult<LogRecord>> {
    const record = this.#waiting.shift();
    if (record !== undefined) return Promise.resolve({ done: false, value: record });
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#readers.push(resolve));
  }

  return(): Promise<IteratorResult<LogRecord>> {
    this.#waiting.length = 0;
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** What already waits can still be read. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
    for (const reader of this.#readers.splice(0)) reader({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

function recordOf(line: string, sequence: number): LogRecord {
  return Object.assign(JSON.parse(line) as LogRecord, { [SEQUENCE]: sequence });
}

function matches(record: LogRecord, { level, module, agent, sinceMs }: LogFilter): boolean {
  if (level !== undefined && LEVEL_ORDER[record.level] < LEVEL_ORDER[level]) return false;
  if (agent !== undefined && record.agent !== agent) return false;
  if (module !== undefined && record.module !== module && !(record.module ?? '').startsWith(`${module}.`)) return false;
  return sinceMs === undefined || Date.parse(record.time) >= sinceMs;
}
