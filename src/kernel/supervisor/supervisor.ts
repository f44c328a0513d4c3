// OTP's supervisor for processes and services: starts its children in order, restarts them by their rules, ends them in reverse.
// Everything that changes goes through one queue, one step at a time; everything that only reads answers at once, even while a start hangs.
import type { RunningChild } from './child.ts';
import { accepted, badSpec, refused, startError, startFailed, type ChildResult } from './child-result.ts';
import {
  checkChildSpec,
  checkChildSpecs,
  checkFlags,
  type CheckedChildSpec,
  type CheckedFlags,
  type ChildSpec,
  type SupervisorFlags,
} from './child-spec.ts';
import { systemClock, type Clock, type Timer } from './clock.ts';
import type { ChildDescription, ChildStatus } from './description.ts';
import type { SupervisorEvent, SupervisorListener } from './event.ts';
import { formatExitReason, isOrderly, type ExitReason } from './exit-reason.ts';
import { RestartWindow } from './restart-window.ts';
import { SupervisedChild, type StartOutcome } from './supervised-child.ts';
import type { ChildType } from './words.ts';

export interface SupervisorOptions extends SupervisorFlags {
  /** For people and in the path of events. */
  id: string;
  /** Started left to right. */
  children: readonly ChildSpec[];
  /** Default: nobody listens. An error it throws surfaces as an uncaught one; the supervisor goes on. */
  onEvent?: SupervisorListener;
  clock?: Clock;
  /** Ids of the supervisors above. */
  parentPath?: readonly string[];
  /**
   * Not OTP: the wait before a restart, by the number of restarts in the current period. For the outermost level only, where
   * nobody is left to escalate to. Default: none.
   */
  restartDelayMs?: (restarts: number) => number;
}

export interface ChildEntry {
  id: string;
  child: RunningChild | 'restarting' | undefined;
  type: ChildType;
}

export class Supervisor implements RunningChild, AsyncDisposable {
  /** Settles when all children have ended: `shutdown`, also when a child failed too often or was significant; or `killed`. */
  readonly exited: Promise<ExitReason>;
  readonly #options: SupervisorOptions;
  readonly #flags: CheckedFlags;
  readonly #clock: Clock;
  readonly #path: readonly string[];
  readonly #window: RestartWindow;
  readonly #settleExited: (reason: ExitReason) => void;
  readonly #timers = new Set<Timer>();
  #children: readonly SupervisedChild[];
  #queue: Promise<unknown> = Promise.resolve();
  #started = false;
  #ending: 'no' | 'shutdown' | 'killed' = 'no';
  #ended = false;

  /** @throws SeedError `internal` when OTP would refuse the specifications: `details.problem` says why. */
  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#flags = accepted(options.id, checkFlags(options));
    const specs = accepted(options.id, checkChildSpecs(options.children, this.#flags.autoShutdown));
    this.#clock = options.clock ?? systemClock;
    this.#path = [...(options.parentPath ?? []), options.id];
    this.#window = new RestartWindow(this.#flags);
    this.#children = specs.map((spec) => this.#newChild(spec));
    const { promise, resolve } = Promise.withResolvers<ExitReason>();
    this.exited = promise;
    this.#settleExited = resolve;
  }

  /**
   * Once: starts the children, each when the one before is ready. The first that fails ends those before it, in reverse.
   * @throws SeedError with the code of the child's own error.
   */
  async start(): Promise<void> {
    await this.#enqueue(async () => {
      for (const child of this.#children) {
        const outcome = await this.#startChild(child);
        if (outcome.ok) continue;
        const { reason } = outcome;
        await this.#end({ kind: 'shutdown', detail: { failedToStartChild: child.spec.id }, message: formatExitReason(reason) });
        throw startError(child.spec.id, reason);
      }
      this.#started = true;
    });
  }

  /** Adds a child and starts it. A child that does not start is not added. */
  startChild(spec: ChildSpec): Promise<ChildResult> {
    return this.#call(spec.id, async () => {
      const checked = checkChildSpec(spec, this.#flags.autoShutdown);
      if (!checked.ok) return badSpec(spec, checked);
      const present = this.#find(spec.id);
      if (present?.run !== undefined) return refused(spec.id, 'already_started');
      if (present !== undefined) return refused(spec.id, 'already_present');
      const child = this.#newChild(checked.value);
      this.#children = [...this.#children, child];
      const outcome = await this.#startChild(child);
      if (!outcome.ok) this.#remove(child);
      return outcome.ok ? { ok: true, child: child.run } : startFailed(spec.id, outcome.reason);
    });
  }

  /** Ends a child and keeps its specification, unless it is temporary. A start or restart of it that hangs is given up. */
  terminateChild(id: string): Promise<ChildResult> {
    this.#find(id)?.giveUpStart('it was terminated');
    return this.#call(id, async () => {
      const child = this.#find(id);
      if (child === undefined) return refused(id, 'not_found');
      await child.stop({ brutal: false });
      if (child.spec.restart === 'temporary') this.#remove(child);
      return { ok: true, child: undefined };
    });
  }

  /** Starts a child that is specified but does not run. Not counted against the intensity. */
  restartChild(id: string): Promise<ChildResult> {
    return this.#call(id, async () => {
      const child = this.#find(id);
      if (child === undefined) return refused(id, 'not_found');
      if (child.status === 'restarting') return refused(id, 'restarting');
      if (child.run !== undefined) return refused(id, 'running');
      const outcome = await this.#startChild(child);
      return outcome.ok ? { ok: true, child: child.run } : startFailed(id, outcome.reason);
    });
  }

  /** Forgets a child that does not run. */
  deleteChild(id: string): Promise<ChildResult> {
    return this.#call(id, async () => {
      const child = this.#find(id);
      if (child === undefined) return refused(id, 'not_found');
      if (child.status === 'restarting') return refused(id, 'restarting');
      if (child.run !== undefined) return refused(id, 'running');
      this.#remove(child);
      return { ok: true, child: undefined };
    });
  }

  /** In start order. */
  whichChildren(): readonly ChildEntry[] {
    return this.#children.map(({ spec, run, status }) => ({ id: spec.id, child: status === 'restarting' ? status : run, type: spec.type }));
  }

  /** `active` have a running child at this moment; the others count specifications. */
  countChildren(): { specs: number; active: number; supervisors: number; workers: number } {
    const supervisors = this.#children.filter(({ spec }) => spec.type === 'supervisor').length;
    const specs = this.#children.length;
    return { specs, active: this.#children.filter(({ alive }) => alive).length, supervisors, workers: specs - supervisors };
  }

  describe(): ChildDescription {
    return {
      id: this.#options.id,
      type: 'supervisor',
      restart: 'temporary',
      status: this.#status,
      pid: null,
      startedAt: null,
      restarts: 0,
      lastExit: null,
      strategy: this.#flags.strategy,
      children: this.#children.map((child) => child.describe()),
    };
  }

  resetRestarts(): void {
    for (const child of this.#children) {
      child.restarts = 0;
      child.run?.resetRestarts?.();
    }
  }

  /** Ends the children from right to left, each within its shutdownMs; a start that hangs is given up. */
  stop(): Promise<ExitReason> {
    this.shutdown();
    return this.exited;
  }

  shutdown(): void {
    if (this.#ending !== 'no') return;
    this.#ending = 'shutdown';
    for (const child of this.#children) child.giveUpStart('the supervisor ends');
    void this.#enqueue(() => this.#end({ kind: 'shutdown' }));
  }

  kill(): void {
    if (this.#ending === 'killed') return;
    this.#ending = 'killed';
    for (const child of this.#children) child.kill();
    void this.#enqueue(() => this.#end({ kind: 'killed' }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #childExited(child: SupervisedChild, options: { run: RunningChild; reason: ExitReason }): Promise<void> {
    const { run, reason } = options;
    if (this.#ending !== 'no' || child.run !== run) return;
    const { restart } = child.spec;
    if (restart === 'permanent' || (restart === 'transient' && !isOrderly(reason))) return this.#restart(child, reason);
    if (restart === 'temporary') this.#remove(child);
    else child.forget();
    if (this.#endsWith(child)) await this.#escalate(child, { cause: 'auto_shutdown', reason });
  }

  #endsWith({ spec }: SupervisedChild): boolean {
    if (!spec.significant || this.#flags.autoShutdown === 'never') return false;
    if (this.#flags.autoShutdown === 'any_significant') return true;
    return !this.#children.some((child) => child.spec.significant && (child.run !== undefined || child.status === 'restarting'));
  }

  /** Counts, and tries once; what does not start is tried again behind the calls that wait, and counts again. */
  async #restart(child: SupervisedChild, reason: ExitReason): Promise<void> {
    if (!this.#window.add(this.#clock.monotonicMs())) {
      child.forget();
      return this.#escalate(child, { cause: 'intensity', reason });
    }
    const delayMs = this.#options.restartDelayMs?.(this.#window.count) ?? 0;
    if (delayMs === 0) return this.#restartNow(child, reason);
    const stillDue = child.awaitRestart();
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(timer);
      void this.#enqueue(async () => (stillDue() && this.#ending === 'no' ? this.#restartNow(child, reason) : undefined));
    }, delayMs);
    this.#timers.add(timer);
  }

  async #restartNow(cause: SupervisedChild, reason: ExitReason): Promise<void> {
    const from = this.#flags.strategy === 'one_for_all' ? 0 : this.#children.indexOf(cause);
    const affected = this.#flags.strategy === 'one_for_one' ? [cause] : this.#children.slice(from);
    cause.forget();
    await this.#terminate(affected);
    for (const child of affected.filter((one) => this.#children.includes(one))) {
      const outcome = await this.#startChild(child);
      if (!outcome.ok) return this.#tryAgain(child, outcome.reason);
      if (child.run === undefined) continue;
      child.restarts += 1;
      this.#emit({ type: 'restart', path: child.path, id: child.spec.id, reason, causedBy: cause.spec.id });
    }
  }

  #tryAgain(child: SupervisedChild, reason: ExitReason): void {
    child.awaitRestart();
    // A turn of the loop in between: a start that fails at once must not starve everything else.
    setImmediate(() => {
      void this.#enqueue(async () => (child.status === 'restarting' && this.#ending === 'no' ? this.#restart(child, reason) : undefined));
    });
  }

  async #escalate(child: SupervisedChild, options: { cause: 'intensity' | 'auto_shutdown'; reason: ExitReason }): Promise<void> {
    const { cause, reason } = options;
    this.#emit({ type: 'escalation', path: child.path, id: child.spec.id, cause, reason });
    const why =
      cause === 'intensity' ? `failed more than ${this.#flags.intensity} times in ${this.#flags.periodMs} ms` : 'was significant and ended';
    await this.#end({ kind: 'shutdown', message: `${child.spec.id} ${why} (${formatExitReason(reason)})` });
  }

  async #end(reason: ExitReason): Promise<void> {
    if (this.#ended) return;
    if (this.#ending === 'no') this.#ending = 'shutdown';
    for (const timer of this.#timers) timer.cancel();
    await this.#terminate(this.#children);
    this.#ended = true;
    this.#settleExited(this.#ending === 'killed' ? { kind: 'killed' } : reason);
  }

  /** Right to left; temporary children are forgotten with it. */
  async #terminate(children: readonly SupervisedChild[]): Promise<void> {
    for (const child of children.toReversed()) {
      await child.stop({ brutal: this.#ending === 'killed' });
      if (child.spec.restart === 'temporary') this.#remove(child);
    }
  }

  async #startChild(child: SupervisedChild): Promise<StartOutcome> {
    if (this.#ending !== 'no') return { ok: false, reason: { kind: 'shutdown', message: 'the supervisor was stopped' } };
    const outcome = await child.start();
    if (outcome.ok && child.run === undefined && child.spec.restart === 'temporary') this.#remove(child);
    return outcome;
  }

  #newChild(spec: CheckedChildSpec): SupervisedChild {
    const child: SupervisedChild = new SupervisedChild(spec, {
      path: [...this.#path, spec.id],
      clock: this.#clock,
      onEvent: (event) => this.#emit(event),
      onExit: (run, reason) => void this.#enqueue(() => this.#childExited(child, { run, reason })),
    });
    return child;
  }

  get #status(): ChildStatus {
    if (this.#ended) return 'stopped';
    if (this.#ending !== 'no') return 'stopping';
    return this.#started ? 'running' : 'starting';
  }

  #find(id: string): SupervisedChild | undefined {
    return this.#children.find(({ spec }) => spec.id === id);
  }

  #remove(child: SupervisedChild): void {
    this.#children = this.#children.filter((other) => other !== child);
  }

  #call(id: string, step: () => Promise<ChildResult>): Promise<ChildResult> {
    return this.#enqueue(async () => (this.#ending === 'no' ? step() : refused(id, 'stopped')));
  }

  #enqueue<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(step);
    this.#queue = done.catch(() => {});
    return done;
  }

  #emit(event: SupervisorEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
