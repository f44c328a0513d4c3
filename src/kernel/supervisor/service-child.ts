// A service in this process as a supervised child. Nothing can kill it from outside: one that does not close in time is abandoned.
import type { RunningChild, StartChild, StartContext } from './child.ts';
import type { Clock } from './clock.ts';
import { errorExit, type ExitReason } from './exit-reason.ts';

export interface Service {
  /** Settles when it has ended by itself: resolves = normal, or the reason given; rejects = error. Absent: it runs until it is closed. */
  readonly exited?: Promise<ExitReason | void>;
  /** Releases everything it holds. Also called after it has ended by itself. */
  close(): Promise<void> | void;
}

/** How long a service that ended by itself may take to release what it holds before it is abandoned. */
const RELEASE_MS = 5000;

/** `signal` is aborted when the start is given up and when the running service is abandoned: loops in it should end then. */
export function serviceChild(start: (context: StartContext) => Promise<Service> | Service): StartChild {
  return async (context) => {
    const abandoned = new AbortController();
    context.signal.addEventListener('abort', () => abandoned.abort(context.signal.reason));
    const service = await start({ ...context, signal: abandoned.signal });
    return new RunningService(service, { clock: context.clock, abandoned });
  };
}

class RunningService implements RunningChild {
  readonly exited: Promise<ExitReason>;
  readonly #service: Service;
  readonly #abandoned: AbortController;
  readonly #settle: (reason: ExitReason) => void;
  #closing = false;

  constructor(service: Service, options: { clock: Clock; abandoned: AbortController }) {
    this.#service = service;
    this.#abandoned = options.abandoned;
    const { promise, resolve } = Promise.withResolvers<ExitReason>();
    this.exited = promise;
    this.#settle = resolve;
    service.exited?.then(
      (reason) => this.#endedByItself(reason ?? { kind: 'normal' }, options.clock),
      (error: unknown) => this.#endedByItself(errorExit(error), options.clock),
    );
  }

  shutdown(): void {
    if (!this.#closing) void this.#close().then((failure) => this.#settle(failure ?? { kind: 'shutdown' }));
  }

  kill(): void {
    this.#abandoned.abort(new Error('the service was abandoned: it did not end in time'));
    // What it can still release it may, but nobody waits for it or hears how that went.
    if (!this.#closing) void this.#close();
    this.#settle({ kind: 'killed', message: 'abandoned' });
  }

  #endedByItself(reason: ExitReason, clock: Clock): void {
    if (this.#closing) return;
    const timer = clock.setTimeout(() => this.kill(), RELEASE_MS);
    void this.#close().then(() => {
      timer.cancel();
      this.#settle(reason);
    });
  }

  async #close(): Promise<ExitReason | undefined> {
    this.#closing = true;
    try {
      await this.#service.close();
      return undefined;
    } catch (error) {
      return errorExit(error);
    }
  }
}
