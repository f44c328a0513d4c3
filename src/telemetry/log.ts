// The log: JSON lines on stderr (stdout is for data), short lines for people on a terminal, and the last ones in memory.
// pino writes; every record is redacted before it gets there.
import { pino } from 'pino';
import { attach } from './emit.ts';
import { EVENTS } from './events.ts';
import { LEVEL_ORDER, type LogLevel, type LogThreshold } from './log-level.ts';
import { LogRecords, type LogRecordsOptions } from './log-records.ts';
import { prettyLine } from './pretty-line.ts';
import { redact, redactText } from './redact.ts';

/** What is known besides the message. Secrets may be in it: they are not written. */
export interface LogFields {
  /** What happened, as `domain.noun.verb`: the name to search for. */
  event: string;
  [field: string]: unknown;
}

/** What every record of a child carries. */
export interface LogBindings {
  /** Where it comes from: the folder, with dots (`kernel.sandbox`). */
  module?: string;
  /** The agent it is about. */
  agent?: string;
  [field: string]: unknown;
}

/** Writing never throws and never waits. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(bindings: LogBindings): Log;
}

export interface LogOptions {
  level: LogThreshold;
  /** What is written of that; the rest is kept in memory only. Default: all of it. */
  written?: LogThreshold;
  /** Carried by every record. */
  bindings?: LogBindings;
  /** auto: pretty when stderr is a terminal. */
  format?: 'json' | 'pretty' | 'auto';
  /** Where lines go, ending included. Default: stderr, without waiting for its reader. */
  write?: (line: string) => void;
  records?: LogRecordsOptions;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** Bytes that may wait for a slow reader of stderr; further lines are dropped and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
const PINO_METADATA = Symbol.for('pino.metadata');

/** The log of a process: where it writes, what it keeps, and how much. */
export class LogOutput {
  readonly log: Log;
  readonly records: LogRecords;
  level: LogThreshold;
  written: LogThreshold;
  readonly #detach: () => void;
  readonly #flush: () => void;
  #dropped = 0;

  constructor(options: LogOptions) {
    this.level = options.level;
    this.written = options.written ?? 'debug';
    this.records = new LogRecords(options.records);
    const now = options.now ?? Date.now;
    const pretty = options.format === 'pretty' || (options.format !== 'json' && process.stderr.isTTY);
    const { write, flush } = options.write === undefined ? this.#stderr() : { write: options.write, flush: () => {} };
    this.#flush = flush;
    const records = this.records;
    const isWritten = (level: LogLevel): boolean => LEVEL_ORDER[level] >= LEVEL_ORDER[this.written];
    const destination = {
      [PINO_METADATA]: true,
      lastLevel: 0,
      write(line: string): void {
        const level = LEVEL_OF.get(this.lastLevel) ?? 'error';
        records.add(level, now(), line);
        if (isWritten(level)) write(pretty ? prettyLine(line) : line);
      },
    };
    const writer = pino(
      {
        level: 'debug',
        base: undefined,
        messageKey: 'message',
        timestamp: () => `,"time":"${new Date(now()).toISOString()}"`,
        formatters: { level: (level) => ({ level }) },
        // Errors are plain by then.
        serializers: { err: (error: unknown) => error },
      },
      destination,
    );
    this.log = this.#child(writer, options.bindings ?? {});
    this.#detach = attach('log', ({ name, measurements, metadata }) => {
      const { level, meaning } = EVENTS[name];
      if (level !== null) this.log[level]({ event: name, ...metadata, ...measurements }, meaning);
    });
  }

  /** Lines that were lost because stderr's reader was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Writes out what waits, ends all followers. The log still writes afterwards, but events are not logged any more. */
  close(): void {
    this.#detach();
    this.records.close();
    this.#flush();
  }

  #child(writer: Writer, bindings: LogBindings): Log {
    const at =
      (level: LogLevel) =>
      (fields: LogFields, message: string): void => {
        if (LEVEL_ORDER[level] < LEVEL_ORDER[this.level]) return;
        writer[level](redact({ ...bindings, ...fields }), redactText(message));
      };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (more) => this.#child(writer, { ...bindings, ...more }),
    };
  }

  #stderr(): { write: (line: string) => void; flush: () => void } {
    const stream = pino.destination({ dest: 2, sync: false, maxLength: MAX_WAITING_BYTES });
    stream.on('drop', () => (this.#dropped += 1));
    // A closed stderr (the terminal is gone) must not end the program.
    stream.on('error', () => (this.#dropped += 1));
    return { write: (line) => stream.write(line), flush: () => stream.flushSync() };
  }
}

type Writer = Record<LogLevel, (fields: unknown, message: string) => void>;

const LEVEL_OF = new Map<number, LogLevel>([
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
]);
