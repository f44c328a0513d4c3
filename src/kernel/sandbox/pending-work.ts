// Something other than a call that a host has been given: a version to load, a script to run, a candidate to score.
import { SeedError, type ErrorCode } from '#lib/error.ts';
import type { CallFailure, EvaluateOutcome } from './call.ts';

const CODES: Readonly<Record<CallFailure, ErrorCode>> = {
  threw: 'agent_error',
  unserialisable: 'agent_error',
  output_limit: 'agent_error',
  cpu_limit: 'cpu_limit',
  deadline: 'deadline',
  memory_limit: 'memory_limit',
  cancelled: 'cancelled',
  parked: 'internal',
  host_lost: 'unavailable',
};

export interface PendingWorkOptions {
  /** For people. */
  what: string;
  deadlineMs: number;
  /** Done one after the other: its time begins when those before it have ended. */
  inTurn: boolean;
}

export class PendingWork {
  /** JSON text. */
  readonly value: Promise<string>;
  readonly inTurn: boolean;
  readonly #options: PendingWorkOptions;
  readonly #settle: PromiseWithResolvers<string>;
  #begunMs = performance.now();

  constructor(options: PendingWorkOptions) {
    this.#options = options;
    this.inTurn = options.inTurn;
    this.#settle = Promise.withResolvers<string>();
    this.value = this.#settle.promise;
  }

  beginTurn(): void {
    this.#begunMs = performance.now();
  }

  /** When it must be done, performance.now(). */
  get endsMs(): number {
    return this.#begunMs + this.#options.deadlineMs;
  }

  done(json: string): void {
    this.#settle.resolve(json);
  }

  refused(report: { failure: CallFailure; suspects: number; error: { name: string; message: string; stack?: string } }): void {
    const { failure, error } = report;
    const { stack } = error;
    this.#settle.reject(
      new SeedError(CODES[failure], `${error.name}: ${error.message}`, { details: { failure, ...(stack === undefined ? {} : { stack }) } }),
    );
  }

  /** The host has ended. `suspects`: see CallOutcome. */
  lost(loss: { suspects: number; how: string; failure: CallFailure }): void {
    // What ends its host by its own doing has failed; what was only near may be tried again.
    const failure = loss.suspects === 1 && loss.failure === 'host_lost' ? 'threw' : loss.failure;
    const message = loss.suspects === 1 ? `${loss.how} while it ran ${this.#options.what}` : loss.how;
    this.#settle.reject(new SeedError(CODES[failure], message, { details: { failure } }));
  }
}

/** What an evaluation whose host has ended comes to. */
export function lostEvaluation(error: SeedError): EvaluateOutcome {
  const failure = (error.details as { failure?: 'host_lost' } | undefined)?.failure ?? 'host_lost';
  return { ok: false, failure, message: error.message, hostEnded: true };
}
