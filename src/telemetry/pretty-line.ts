// A log record as one short line for people at a terminal.
import { styleText } from 'node:util';
import type { LogLevel } from './log-level.ts';
import type { LogRecord } from './log-records.ts';

const STYLES: Readonly<Record<LogLevel, 'gray' | 'green' | 'yellow' | 'red'>> = {
  debug: 'gray',
  info: 'green',
  warn: 'yellow',
  error: 'red',
};

/** @param line a record as JSON @returns `12:04:05 warn  kernel.sandbox message  name=value …`, with its ending */
export function prettyLine(line: string): string {
  const { time, level, message, module, event, ...fields } = JSON.parse(line) as LogRecord;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const tail = styleText('gray', [...rest, event].join(' '), { stream: process.stderr });
  const head = styleText(STYLES[level], level.padEnd(5), { stream: process.stderr });
  return `${time.slice(11, 19)} ${head} ${module === undefined ? '' : `${module} `}${message}  ${tail}\n`;
}
