// Compiles a version and runs its top level once, in an isolate of its own.
import type { LimitFailure, Meter } from './watchdog.ts';
import { errorJson, type FailureReport } from './hosted-call.ts';
import { LiveIsolate, type LiveIsolateOptions } from './live-isolate.ts';

/** What of it may run on the host's own thread, which stops its loop. */
const SYNC_LOAD_MS = 10;
const SYNC_LOAD_CHARS = 65_536;
/** Top-level code of a module: processor time, and wall clock. */
const LOAD_CPU_US = 1_000_000;
const LOAD_WALL_US = 5_000_000;

/** Why a version could not be loaded, as the parent is told. */
export class LoadFailure extends Error {
  readonly report: FailureReport;

  constructor(report: FailureReport) {
    super(report.failure);
    this.report = report;
  }
}

/** Most modules only define things, and a thread is not worth the wait: those are loaded at once. @throws LoadFailure */
export async function loadIsolate(options: LiveIsolateOptions, callSeq: number): Promise<LiveIsolate> {
  return loadSync(options, callSeq) ?? loadAsync(options, callSeq);
}

/** Null when the module is larger, or does more, than may stop the host's loop. */
function loadSync(options: LiveIsolateOptions, callSeq: number): LiveIsolate | null {
  const { request, blackBox } = options;
  if (request.js.length > SYNC_LOAD_CHARS) return null;
  blackBox.enterMainThread(callSeq);
  let live: LiveIsolate | null = null;
  try {
    live = new LiveIsolate(options);
    live.prepareSync({ timeMs: Date.now(), seed: 0 }, SYNC_LOAD_MS);
    return live;
  } catch (error) {
    const memory = live?.gone === true;
    live?.dispose();
    if (!memory && isTimeout(error)) return null;
    throw new LoadFailure(topLevelFailure(memory ? 'memory_limit' : 'threw', error));
  } finally {
    blackBox.leaveMainThread();
  }
}

async function loadAsync(options: LiveIsolateOptions, callSeq: number): Promise<LiveIsolate> {
  let hit: LimitFailure | null = null;
  let live: LiveIsolate | null = null;
  const meter: Meter = { cpuUs: 0, wallUs: 0, cpuLimitUs: LOAD_CPU_US, wallLimitUs: LOAD_WALL_US };
  try {
    live = new LiveIsolate(options);
    const current = live;
    const onLimit = (failure: LimitFailure): void => {
      hit = failure;
      current.dispose();
    };
    await live.prepare({ call: callSeq, meter, onLimit }, { timeMs: Date.now(), seed: 0 });
    return live;
  } catch (error) {
    const memory = live !== null && live.gone && !live.disposed;
    live?.dispose();
    throw new LoadFailure(topLevelFailure(hit ?? (memory ? 'memory_limit' : 'threw'), error));
  }
}

function topLevelFailure(failure: LimitFailure | 'memory_limit' | 'threw', error: unknown): FailureReport {
  const message = failure === 'threw' ? error : `the module's top level hit its ${failure}`;
  return { failure, suspects: 1, errorJson: errorJson(message) };
}

export function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Script execution timed out.';
}
