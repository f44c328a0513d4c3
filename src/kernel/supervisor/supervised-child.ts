// One child of a supervisor over all its lives: starts it, stops it within its time, and remembers how that went.
import type { RunningChild, StartContext } from './child.ts';
import type { CheckedChildSpec } from './child-spec.ts';
import type { ChildDescription, ChildStatus } from './description.ts';
import { errorExit, type ExitReason } from './exit-reason.ts';

export type StartOutcome = { ok: true } | { ok: false; reason: ExitReason };

export interface SupervisedChildOptions extends Omit<StartContext, 'signal'> {
  /** The child ended and nobody had asked it to. */
  onExit: (run: RunningChild, reason: ExitReason) => void;
}

export class SupervisedChild {
  readonly spec: CheckedChildSpec;
  /** Set from the end of the start until the supervisor has dealt with the exit. */
  run: RunningChild | undefined;
  restarts = 0;
  readonly #options: SupervisedChildOptions;
  #status: ChildStatus = 'stopped';
  #alive = false;
  #startedAtMs = 0;
  /** The same moment on the clock that is never set: an uptime is an interval. */
  #startedMonotonicMs = 0;
  #exited: Promise<void> = Promise.resolve();
  #lastExit: ChildDescription['lastExit'] = null;
  #start: AbortController | undefined;
  #retry: object | undefined;

  constructor(spec: CheckedChildSpec, options: SupervisedChildOptions) {
    this.spec = spec;
    this.#options = options;
  }

  /** Whether it runs at this moment, even if the supervisor has not heard of its end yet. */
  get alive(): boolean {
    return this.#alive;
  }

  get status(): ChildStatus {
    return this.#status;
  }

  /** Ids from the outermost supervisor down to this child. */
  get path(): readonly string[] {
    return this.#options.path;
  }

  async start(): Promise<StartOutcome> {
    const { clock, onEvent, path } = this.#options;
    const { id } = this.spec;
    const startedMs = clock.monotonicMs();
    this.#status = this.#lastExit === null ? 'starting' : 'restarting';
    this.#retry = undefined;
    const attempt = new AbortController();
    this.#start = attempt;
    try {
      const run = await this.#attempt(attempt.signal);
      this.#status = 'stopped';
      if (run === 'ignore') return { ok: true };
      this.run = run;
      this.#status = 'running';
      this.#alive = true;
      this.#startedAtMs = clock.now();
      this.#startedMonotonicMs = clock.monotonicMs();
      onEvent({ type: 'start', path, id, pid: run.pid, durationMs: clock.monotonicMs() - startedMs });
      this.#watch(run);
      return { ok: true };
    } catch (error) {
      this.#status = 'stopped';
      const reason = errorExit(error);
      onEvent({ type: 'start_error', path, id, reason });
      return { ok: false, reason };
    } finally {
      this.#start = undefined;
    }
  }

  /** Settles when the child has ended: in good order, or killed after its shutdownMs, or killed at once. */
  async stop(options: { brutal: boolean }): Promise<void> {
    const { run } = this;
    this.#retry = undefined;
    if (run !== undefined && this.#alive) {
      const { shutdownMs } = this.spec;
      const brutal = options.brutal || shutdownMs === 'brutal_kill';
      this.#status = 'stopping';
      if (brutal) run.kill();
      else run.shutdown();
      const timer = brutal || shutdownMs === 'infinity' ? undefined : this.#options.clock.setTimeout(() => run.kill(), shutdownMs);
      await this.#exited;
      timer?.cancel();
    }
    this.forget();
  }

  /** Without waiting, in every state: for a supervisor that is itself killed. */
  kill(): void {
    this.giveUpStart('killed');
    this.run?.kill();
  }

  /** A start that hangs fails now; what it still brings about is killed. */
  giveUpStart(why: string): void {
    this.#start?.abort(new Error(`the start of ${this.spec.id} was given up: ${why}`));
  }

  /** The supervisor has dealt with the exit. */
  forget(): void {
    this.run = undefined;
    this.#status = 'stopped';
  }

  /** Marks it as about to be started again; the returned check says whether that still holds. */
  awaitRestart(): () => boolean {
    const retry = {};
    this.run = undefined;
    this.#retry = retry;
    this.#status = 'restarting';
    return () => this.#retry === retry;
  }

  describe(): ChildDescription {
    const { id, type, restart } = this.spec;
    const below = this.run?.describe?.();
    return {
      id,
      type,
      restart,
      status: this.#status,
      pid: (this.#alive ? this.run?.pid : undefined) ?? null,
      startedAt: this.#alive ? new Date(this.#startedAtMs).toISOString() : null,
      restarts: this.restarts,
      lastExit: this.#lastExit,
      ...(below?.strategy === undefined ? {} : { strategy: below.strategy }),
      ...(below?.children === undefined ? {} : { children: below.children }),
    };
  }

  async #attempt(signal: AbortSignal): Promise<RunningChild | 'ignore'> {
    const { clock, onEvent, path } = this.#options;
    const start = (async () => this.spec.start({ signal, path, clock, onEvent }))();
    const givenUp = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    try {
      const run = await Promise.race([start, givenUp]);
      if (run === 'ignore' || isRunningChild(run)) return run;
      throw new Error(`bad return: the start of ${this.spec.id} gave ${typeof run}, not a running child`);
    } catch (error) {
      if (signal.aborted) void start.then(killLate, () => {});
      throw error;
    }
  }

  #watch(run: RunningChild): void {
    const { clock, onEvent, path, onExit } = this.#options;
    this.#exited = run.exited.catch(errorExit).then((reason) => {
      const asked = this.#status === 'stopping';
      const uptimeMs = clock.monotonicMs() - this.#startedMonotonicMs;
      this.#alive = false;
      this.#lastExit = { kind: reason.kind, message: reason.message ?? null, at: new Date(clock.now()).toISOString() };
      if (!asked) {
        this.#status = 'stopped';
        onExit(run, reason);
      }
      onEvent({ type: 'exit', path, id: this.spec.id, reason, asked, uptimeMs });
    });
  }
}

function killLate(run: RunningChild | 'ignore'): void {
  if (isRunningChild(run)) run.kill();
}

function isRunningChild(value: unknown): value is RunningChild {
  return typeof value === 'object' && value !== null && 'exited' in value && 'kill' in value;
}
