// Where the answer goes: standard output, or the file of --output, which appears whole or not at all.
import { write, type TerminalOutput } from './terminal.ts';

export interface Sink {
  /** The terminal it ends in; undefined for a file. */
  readonly stream: TerminalOutput | undefined;
  write(text: string): Promise<void>;
  /** Done: a file takes its name. */
  commit(): Promise<void>;
  /** A file that has not taken its name goes away. */
  [Symbol.asyncDispose](): Promise<void>;
}

export async function openSink(path: string | undefined, stdout: TerminalOutput): Promise<Sink> {
  if (path !== undefined && path !== '-') return await (await import('./file-sink.ts')).openFile(path);
  return {
    stream: stdout,
    write: (text) => write(stdout, text),
    commit: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
