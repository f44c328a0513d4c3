// One run of such a program: its lines go to a reader that knows what they mean, and how it ended is the last event.
import { isSeedError, type ErrorCode } from '../error.ts';
import type { ChildEnv } from '../process.ts';
import { NO_USAGE, type CliEvent, type CliFailure, type CliOutcome, type CliRequest, type CliUsage } from './coding-cli.ts';
import { runJsonLines, type CommandEnd, type JsonLine } from './json-lines.ts';
import { RunPlace, type Apart } from './run-place.ts';

/** How a run went, without its time. */
export type Verdict =
  | { ok: true; text: string; sessionId: string | null; usage: CliUsage; turns: number }
  | { ok: false; failure: CliFailure; message: string; sessionId: string | null; usage: CliUsage; turns: number };

/** Takes the lines in, and judges at the end. */
export interface CliReader {
  take(line: JsonLine): Iterable<CliEvent>;
  verdict(end: CommandEnd): Verdict;
}

export interface CliCommand {
  command: string;
  args: readonly string[];
  env: ChildEnv;
  input: string;
  /** When the program has ended, before what it was given is taken away. */
  after?: () => void;
}

export interface CliRunOptions {
  reader: CliReader;
  /** How it is run as somebody else; null, or nobody to ask: it is run as this process. Asked at each run. */
  apart: (() => Promise<Apart | null>) | undefined;
  /** What is to be started in this place, or why nothing can be. */
  prepare: (place: RunPlace) => CliCommand | { missing: string };
}

export async function* runCli(request: CliRequest, options: CliRunOptions): AsyncGenerator<CliEvent, void, void> {
  const startedMs = performance.now();
  const ended = (verdict: Verdict): CliEvent => ({ type: 'ended', outcome: withTime(verdict, performance.now() - startedMs) });
  const notRun = (failure: CliFailure, message: string): CliEvent =>
    ended({ ok: false, failure, message, sessionId: null, usage: NO_USAGE, turns: 0 });
  const apart = (await options.apart?.()) ?? null;
  let end: CommandEnd | null = null;
  try {
    await using place = await RunPlace.open(request, apart);
    const command = options.prepare(place);
    if ('missing' in command) {
      yield notRun('missing_api_key', command.missing);
      return;
    }
    const { timeoutMs, signal } = request;
    const { after, ...its } = command;
    const { cwd, user } = place;
    const program = apart?.program ?? its.command;
    const lines = runJsonLines({ ...its, command: program, cwd, user, timeoutMs, ...(signal === undefined ? {} : { signal }) });
    try {
      while (end === null) {
        const step = await lines.next();
        if (step.done === true) end = step.value;
        else yield* options.reader.take(step.value);
      }
    } finally {
      // The loop was left early: the program ends too.
      if (end === null) await lines.return(GIVEN_UP);
      await place.end();
      after?.();
    }
  } catch (error) {
    if (!isSeedError(error)) throw error;
    yield notRun(FAILURES[error.code] ?? 'failed', error.message);
    return;
  }
  yield ended(options.reader.verdict(end));
}

/** What our own part of it ends with. */
const FAILURES: Partial<Record<ErrorCode, CliFailure>> = { unavailable: 'not_installed', queue_full: 'overloaded' };
const GIVEN_UP: CommandEnd = { code: null, signal: null, stderr: '', timedOut: false, stopped: true, lastWords: '' };

function withTime(verdict: Verdict, wallMs: number): CliOutcome {
  return { ...verdict, wallMs };
}
