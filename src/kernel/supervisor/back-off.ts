// Transient supervisors that have ended because a child of theirs failed too often. By OTP's rule the one above goes on without them; here
// they are also remembered, and started again later and later.
import type { ChildResult } from './child-result.ts';
import type { Clock, Timer } from './clock.ts';
import type { SupervisorEvent } from './event.ts';
import { isOrderly } from './exit-reason.ts';

export interface GivenUp {
  id: string;
  /** Which child of it failed, how often, and how at last. */
  why: string;
  /** ISO 8601: when it is tried again. */
  nextAt: string;
}

export interface BackOffOptions {
  /** Starts a child that does not run. */
  start: (id: string) => Promise<ChildResult>;
  clock: Clock;
}

const FIRST_MS = 1_000;
const MAX_MS = 60_000;
/** Who has been up for so long has recovered: the next time begins with the first pause again. */
const RECOVERED_MS = 60_000;

interface Trouble {
  /** Null: it runs again. */
  given: GivenUp | null;
  pauseMs: number;
  timer: Timer;
}

export class BackOff {
  readonly #options: BackOffOptions;
  readonly #troubles = new Map<string, Trouble>();

  constructor(options: BackOffOptions) {
    this.#options = options;
  }

  list(): readonly GivenUp[] {
    return [...this.#troubles.values()].flatMap(({ given }) => (given === null ? [] : [given]));
  }

  /** What the supervisor above tells of one of them. */
  take(event: SupervisorEvent): void {
    if (event.type === 'start') this.#runs(event.id);
    if (event.type === 'exit' && !event.asked && isOrderly(event.reason)) this.gaveUp(event.id, event.reason.message ?? event.reason.kind);
  }

  /** It has ended, or did not start. */
  gaveUp(id: string, why: string): void {
    const { clock } = this.#options;
    const before = this.#troubles.get(id);
    before?.timer.cancel();
    const pauseMs = before === undefined ? FIRST_MS : Math.min(MAX_MS, before.pauseMs * 2);
    const given = { id, why, nextAt: new Date(clock.now() + pauseMs).toISOString() };
    this.#troubles.set(id, { given, pauseMs, timer: clock.setTimeout(() => void this.#tryAgain(id), pauseMs) });
  }

  async #tryAgain(id: string): Promise<void> {
    const result = await this.#options.start(id);
    if (result.ok || result.error === 'running' || result.error === 'restarting') return;
    // The whole node ends.
    if (result.error === 'stopped') this.#troubles.delete(id);
    else this.gaveUp(id, result.message);
  }

  #runs(id: string): void {
    const trouble = this.#troubles.get(id);
    if (trouble === undefined) return;
    trouble.timer.cancel();
    const timer = this.#options.clock.setTimeout(() => this.#troubles.delete(id), RECOVERED_MS);
    this.#troubles.set(id, { given: null, pauseMs: trouble.pauseMs, timer });
  }
}
