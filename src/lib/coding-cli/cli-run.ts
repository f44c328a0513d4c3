// One run of such a program: its lines go to a reader that knows what they mean, and how it ended is the last event.
import { SeedError } from '../error.ts';
import type { ChildEnv } from '../process.ts';
import { NO_USAGE, type CliEvent, type CliFailure, type CliOutcome, type CliRequest, type CliUsage } from './coding-cli.ts';
import { runJsonLines, type CommandEnd, type JsonLine } from './json-lines.ts';

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
  /** Whatever was made for this run alone. */
  cleanUp?: () => void;
}

/** `prepare` says what is to be started, or why nothing can be. */
export async function* runCli(
  request: CliRequest,
  options: { reader: CliReader; prepare: () => CliCommand | { missing: string } },
): AsyncGenerator<CliEvent, void, void> {
  const startedMs = performance.now();
  const ended = (verdict: Verdict): CliEvent => ({ type: 'ended', outcome: withTime(verdict, performance.now() - startedMs) });
  const notRun = (failure: CliFailure, message: string): CliEvent =>
    ended({ ok: false, failure, message, sessionId: null, usage: NO_USAGE, turns: 0 });
  const command = options.prepare();
  if ('missing' in command) {
    yield notRun('missing_api_key', command.missing);
    return;
  }
  const { cwd, timeoutMs, signal } = request;
  const { cleanUp, ...its } = command;
  const lines = runJsonLines({ ...its, cwd, timeoutMs, ...(signal === undefined ? {} : { signal }) });
  let end: CommandEnd | null = null;
  try {
    while (end === null) {
      const step = await lines.next();
      if (step.done === true) end = step.value;
      else yield* options.reader.take(step.value);
    }
  } catch (error) {
    if (!(error instanceof SeedError) || error.code !== 'unavailable') throw error;
    yield notRun('not_installed', error.message);
    return;
  } finally {
    // The loop was left early: the program ends too.
    if (end === null) await lines.return(GIVEN_UP);
    cleanUp?.();
  }
  yield ended(options.reader.verdict(end));
}

const GIVEN_UP: CommandEnd = { code: null, signal: null, stderr: '', timedOut: false, stopped: true, lastWords: '' };

function withTime(verdict: Verdict, wallMs: number): CliOutcome {
  return { ...verdict, wallMs };
}
