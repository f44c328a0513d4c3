// A stream for people: a line for each item; or lines that stay, one that moves below them, and a block at the end.
import type { Sink } from './sink.ts';
import { cell, isRecord, renderRecord } from './table.ts';
import { paint, widthOf, type TerminalOutput } from './terminal.ts';
import { cut, padEnd, printable, textWidth } from './text-width.ts';

export interface LiveView {
  show(item: unknown): Promise<void>;
  /** After the last item. */
  end(): Promise<void>;
  /** Leaves the terminal in order; nothing more is shown. */
  stop(): Promise<void>;
}

const BAR = 20;

/**
 * Items with a `progress` share one line that moves, the messages of the others stay. In a pipe nothing moves: each new
 * message is a line.
 */
export function progressView(sink: Sink): LiveView {
  let drawn = 0;
  let lastMessage = '';
  let summary: unknown;
  const clear = async (): Promise<void> => {
    if (drawn > 0) await sink.write(`\r${' '.repeat(drawn)}\r`);
    drawn = 0;
  };
  const leave = async (): Promise<void> => {
    if (drawn > 0) await sink.write('\n');
    drawn = 0;
  };
  return {
    async show(item) {
      if (!isRecord(item)) return;
      summary = item['summary'] ?? summary;
      const message = typeof item['message'] === 'string' ? printable(item['message']) : lastMessage;
      const { progress } = item;
      if (sink.stream?.isTTY === true && typeof progress === 'number') {
        // Without escape sequences, so that the dumbest terminal shows it too; the last column stays free.
        const line = cut(progressLine(progress, message), (widthOf(sink.stream) ?? 80) - 1);
        await sink.write(`\r${padEnd(line, drawn)}`);
        drawn = textWidth(line);
      } else if (message !== lastMessage) {
        await clear();
        await sink.write(`${message}\n`);
      }
      lastMessage = message;
    },
    async end() {
      await leave();
      if (summary !== undefined && summary !== null) await sink.write(`\n${renderRecord(summary, layoutOf(sink.stream))}`);
    },
    stop: leave,
  };
}

/** One line for each item: time, level, message, and what else it has. */
export function logView(sink: Sink): LiveView {
  return {
    show: (item) => sink.write(`${logLine(item, sink.stream)}\n`),
    end: async () => undefined,
    stop: async () => undefined,
  };
}

export function logLine(item: unknown, stream?: TerminalOutput): string {
  if (!isRecord(item)) return cell(item);
  // Its place in the stream is for programs.
  const { at, level, message, sequence: _, ...rest } = item;
  const isLog = typeof message === 'string';
  const parts = [
    typeof at === 'string' ? dim(cell(at), stream) : '',
    typeof level === 'string' ? coloured(level, stream) : '',
    isLog ? printable(message) : '',
    ...members(rest, isLog),
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** What an item has besides its message, as `name=value`; the members of `fields` and `data` stand for themselves. */
function members(rest: Readonly<Record<string, unknown>>, isLog: boolean): readonly string[] {
  return Object.entries(rest).flatMap(([name, value]): readonly string[] => {
    if (value === null || value === undefined || value === '') return [];
    if (isRecord(value) && (name === 'fields' || name === 'data')) return isLog && name === 'data' ? [] : members(value, isLog);
    return [`${printable(name)}=${cell(value)}`];
  });
}

function progressLine(progress: number, message: string): string {
  if (!Number.isFinite(progress)) return message;
  const done = Math.min(1, Math.max(0, progress));
  const filled = Math.round(done * BAR);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${String(Math.round(done * 100)).padStart(3)} %  ${message}`;
}

function coloured(level: string, stream: TerminalOutput | undefined): string {
  const text = printable(level).padEnd(5);
  if (stream === undefined) return text;
  if (level === 'error' || level === 'fatal') return paint(stream, 'red', text);
  return level === 'warn' ? paint(stream, 'yellow', text) : dim(text, stream);
}

function dim(text: string, stream: TerminalOutput | undefined): string {
  return stream === undefined ? text : paint(stream, 'dim', text);
}

function layoutOf(stream: TerminalOutput | undefined): { width?: number | undefined } {
  return stream === undefined ? {} : { width: widthOf(stream) };
}
