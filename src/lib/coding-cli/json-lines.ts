// A program that prints JSON lines, run to its end under our own clock.
import { streamCommand, type ChildEnv, type ProcessUser, type StreamEnd } from '../process.ts';

/** A line longer than this is no line of such a program. */
const MAX_LINE = 16 * 1024 * 1024;
const LAST_WORDS = 2_000;

export interface JsonLinesOptions {
  command: string;
  args: readonly string[];
  env: ChildEnv;
  cwd: string;
  /** Null: as this process. */
  user: ProcessUser | null;
  input: string;
  timeoutMs: number;
  signal?: AbortSignal;
}

export type JsonLine = Readonly<Record<string, unknown>>;

export interface CommandEnd extends StreamEnd {
  /** Of what was no JSON on standard output, and of standard error: for people. */
  lastWords: string;
}

/** Yields each line that is a JSON object; returns how the program ended. @throws SeedError `unavailable` when it can not be started */
export async function* runJsonLines(options: JsonLinesOptions): AsyncGenerator<JsonLine, CommandEnd, void> {
  const { command, args, env, cwd, user, input, timeoutMs, signal } = options;
  let other = '';
  const running = await streamCommand(command, args, {
    env,
    cwd,
    ...(user === null ? {} : { user }),
    input,
    timeoutMs,
    maxLineLength: MAX_LINE,
    ...(signal === undefined ? {} : { signal }),
  });
  let isRead = false;
  try {
    for await (const line of running.lines) {
      const value = parse(line);
      if (value === null) other = `${other}${line}\n`.slice(-LAST_WORDS);
      else yield value;
    }
    isRead = true;
  } finally {
    // Whoever leaves in the middle does not want the rest.
    if (!isRead) {
      running.stop();
      await running.ended;
    }
  }
  const end = await running.ended;
  return { ...end, lastWords: `${other}${end.stderr}`.trim().slice(-LAST_WORDS) };
}

function parse(line: string): JsonLine | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as JsonLine;
  } catch {
    return null;
  }
}
