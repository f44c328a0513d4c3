// Which way a version's calls take into their host. The synchronous way is fast but stops the host's loop while it
// runs, so a version earns it by being quick, and loses it at the first call that is not.
import type { CallPath } from '../sandbox/call.ts';

const WINDOW_CALLS = 256;
/** One call in a hundred may be slower than this. */
const SLOW_US = 5_000;
const ALLOWED_SLOW = 2;
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

  /** @param insideUs how long the call was inside its isolate: what it would hold the loop of its host for. */
  observe(insideUs: number, taken: CallPath): void {
    if (this.path === 'sync' && taken === 'async') return this.demote();
    this.#calls += 1;
    if (insideUs > SLOW_US) this.#slow += 1;
    if (this.#slow > ALLOWED_SLOW) return this.demote();
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
