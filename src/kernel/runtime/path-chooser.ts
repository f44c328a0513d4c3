// Which way a version's calls take into their host. The synchronous way is fast but stops the host's loop while it
// runs, so a version earns it by being quick, and loses it at the first call that is not.
import type { CallPath } from '../sandbox/call.ts';

const WINDOW_CALLS = 256;
const SLOW_US = 5_000;
/**
 * Of a window. On the synchronous way one in a hundred: there a call's time is its thread's own. On the other it is a clock's, and
 * on a busy machine every twentieth call or so only waited for a core; what should not have come over is soon sent back.
 */
const ALLOWED_SLOW: Readonly<Record<CallPath, number>> = { sync: 2, async: 12 };
/** After it lost the synchronous way a version must show this many windows of quick calls. */
const PENALTY_WINDOWS = 8;

export class PathChooser {
  path: CallPath = 'async';
  readonly #allowed: boolean;
  #calls = 0;
  #slow = 0;
  #windowsNeeded = 1;

  /** @param allowed whether the synchronous way may be taken at all. Default true. */
  constructor(allowed = true) {
    this.#allowed = allowed;
  }

  /**
   * @param call `insideUs`: how long it was inside its isolate, what it would hold the loop of its host for; `asked`: the way it was
   *   sent on, which may not be the present one; `taken`: the way it went in the end
   */
  observe({ insideUs, asked, taken }: { insideUs: number; asked: CallPath; taken: CallPath }): void {
    if (asked === 'sync' && taken === 'async') return this.demote();
    // On its way since before the last decision: it says nothing about the present way.
    if (asked !== this.path) return;
    this.#calls += 1;
    if (insideUs > SLOW_US) this.#slow += 1;
    if (this.#slow > ALLOWED_SLOW[this.path]) return this.demote();
    if (this.#calls < WINDOW_CALLS) return;
    this.#calls = 0;
    this.#slow = 0;
    if (this.#allowed && this.path === 'async' && --this.#windowsNeeded <= 0) this.path = 'sync';
  }

  demote(): void {
    if (this.path === 'sync') this.#windowsNeeded = PENALTY_WINDOWS;
    this.path = 'async';
    this.#calls = 0;
    this.#slow = 0;
  }
}
