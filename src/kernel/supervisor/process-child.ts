// A process as a supervised child: SIGTERM when it is asked to end, SIGKILL to its whole group when it does not.
import { SeedError } from '#lib/error.ts';
import { spawnProcess, type ChildHandle, type ProcessExit, type SpawnProcessOptions } from '#lib/process.ts';

import type { RunningChild, StartChild, StartContext } from './child.ts';
import { formatExitReason, processExit, type ExitReason } from './exit-reason.ts';
import type { ProcessRegistry } from './process-registry.ts';

export interface RunningProcessOptions {
  /** For the record and for people, when the process is found as an orphan. */
  label: string;
  /** Where it is recorded while it runs. Default: nowhere. */
  registry?: ProcessRegistry | undefined;
  /** How an end that nobody asked for counts. Default `processExit`. */
  exitReason?: (exit: ProcessExit) => ExitReason;
}

export interface ProcessChildOptions extends Omit<RunningProcessOptions, 'label'> {
  command: string;
  /** Asked anew at each start. */
  args: () => readonly string[];
  spawn: SpawnProcessOptions;
  /**
   * Settles when the process is ready to work. Default: at once. Also the place to read its pipes from: one that nobody reads stops
   * the process when it is full.
   */
  ready?: (handle: ChildHandle, signal: AbortSignal) => Promise<void>;
  /** A process that is not ready by then is killed, and its start has failed. Default 30000. */
  readyTimeoutMs?: number;
}

export function processChild(options: ProcessChildOptions): StartChild {
  return async (context) => {
    context.signal.throwIfAborted();
    const handle = spawnProcess(options.command, options.args(), options.spawn);
    const running = runningProcess(handle, { ...options, label: context.path.join('/') });
    try {
      await becomeReady(handle, { ...options, context });
    } catch (error) {
      running.kill();
      throw error;
    }
    return running;
  };
}

/** A process that was already started (and is ready), as a child. */
export function runningProcess(handle: ChildHandle, options: RunningProcessOptions): RunningChild {
  const { label, registry, exitReason = processExit } = options;
  let asked = false;
  const forget = registry?.record(handle.pid, { label });
  return {
    pid: handle.pid,
    exited: handle.exited.then((exit) => {
      forget?.();
      const asAsked = asked && (exit.code === 0 || exit.signal === 'SIGTERM');
      return asAsked ? { kind: 'shutdown' } : exitReason(exit);
    }),
    shutdown: () => {
      asked = true;
      handle.kill('SIGTERM');
    },
    kill: () => {
      handle.kill('SIGKILL');
    },
  };
}

async function becomeReady(handle: ChildHandle, options: ProcessChildOptions & { context: StartContext }): Promise<void> {
  const { ready, readyTimeoutMs = 30_000, command, context } = options;
  if (ready === undefined) return;
  const gone = new AbortController();
  const failure = Promise.withResolvers<never>();
  const timer = context.clock.setTimeout(() => {
    failure.reject(new SeedError('unavailable', `${command} (process ${handle.pid}) was not ready after ${readyTimeoutMs} ms`));
  }, readyTimeoutMs);
  context.signal.addEventListener('abort', () => failure.reject(context.signal.reason));
  void handle.exited.then((exit) => {
    failure.reject(new SeedError('unavailable', `${command} ended before it was ready (${formatExitReason(processExit(exit))})`));
  });
  try {
    await Promise.race([ready(handle, gone.signal), failure.promise]);
  } finally {
    timer.cancel();
    failure.promise.catch(() => {});
    gone.abort();
  }
}
