// The three streams of a command and what may be done with them: colours, prompts, a line that moves.
import type { Readable, Writable } from 'node:stream';
import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

export interface TerminalOutput extends Writable {
  isTTY?: boolean;
  columns?: number;
}

export interface Terminal {
  stdin: Readable & { isTTY?: boolean };
  /** Data, and nothing else. */
  stdout: TerminalOutput;
  /** Talk: errors, questions, progress. */
  stderr: TerminalOutput;
}

/** Whether there is a person to ask. Nothing prompts without this. */
export function isInteractive(terminal: Terminal): boolean {
  return terminal.stdin.isTTY === true && terminal.stderr.isTTY === true;
}

/** Coloured only where the stream is a terminal that can, or FORCE_COLOR is set; NO_COLOR and TERM=dumb switch it off. */
export function paint(stream: TerminalOutput, style: Style, text: string): string {
  return styleText(style, text, { stream, validateStream: true });
}

/** Columns of the terminal; undefined when it is a file or a pipe, where nothing is cut. */
export function widthOf(stream: TerminalOutput): number | undefined {
  return stream.isTTY === true ? (stream.columns ?? 80) : undefined;
}

/** Resolves when the text is out, so that a slow reader slows us down. */
export async function write(stream: Writable, text: string): Promise<void> {
  if (text === '') return;
  await new Promise<void>((resolve, reject) => stream.write(text, (error) => (error ? reject(error) : resolve())));
}
