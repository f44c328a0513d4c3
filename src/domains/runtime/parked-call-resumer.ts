// Goes on with parked calls as their jobs say: takes one, runs it, and puts it back when this was not the time.
import type { JobOutcome } from '#db/job-attempt.ts';
import type { ResumedCall } from '#kernel/runtime/parked-call.ts';
import type { Resumed } from '#kernel/runtime/resumption.ts';
import { isSeedError, toSeedError } from '#lib/error.ts';
import { LATER_MS, MAX_RUNS, type ParkedCallDesk } from './parked-call-desk.ts';

export interface ParkedCallResumerOptions {
  desk: ParkedCallDesk;
  resume: (call: ResumedCall, options: { signal: AbortSignal; isFirstTry: boolean }) => Promise<Resumed>;
  /** Whether the agent's worker runs on this node. */
  isRunning: (agent: string) => boolean;
}

export class ParkedCallResumer {
  readonly #options: ParkedCallResumerOptions;
  readonly #running = new Map<string, AbortController>();

  constructor(options: ParkedCallResumerOptions) {
    this.#options = options;
  }

  /** The job's handler. @throws what may go better next time */
  async run(id: string, job: { signal: AbortSignal; attempt: number; jobId: string }): Promise<JobOutcome> {
    const { signal, attempt, jobId } = job;
    const { desk, resume, isRunning } = this.#options;
    if (attempt > MAX_RUNS) return desk.giveUp(id);
    const call = await desk.take(id, { isRunning, jobId });
    if (call === null) return;
    if ('laterMs' in call) return { snoozeMs: call.laterMs };
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      await resume(call, { signal: AbortSignal.any([signal, controller.signal]), isFirstTry: attempt === 1 });
    } catch (error) {
      // Cancelled, or taken up by another node: whoever did it has written so.
      if (controller.signal.aborted || !(await this.#putBack(call, toSeedError(error).code))) return;
      if (isSeedError(error) && (error.code === 'conflict' || error.code === 'not_found' || error.code === 'invalid_state')) {
        return { snoozeMs: LATER_MS };
      }
      throw error;
    } finally {
      this.#running.delete(id);
    }
  }

  /** It was cancelled: what still runs of it is for nobody. */
  abort(id: string): void {
    this.#running.get(id)?.abort();
  }

  /** @returns false when it is not ours any more */
  async #putBack({ id, fence }: ResumedCall, code: string): Promise<boolean> {
    try {
      await this.#options.desk.putBack(id, fence, code);
      return true;
    } catch (error) {
      if (isSeedError(error) && error.code === 'conflict') return false;
      throw error;
    }
  }
}
