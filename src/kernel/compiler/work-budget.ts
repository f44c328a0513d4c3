// How much work one value may cause while it is checked: an author's schema and a caller's value can multiply.

/** States × characters of one match; at 10 ns each, 100 ms at the very worst. */
const MAX_MATCH_WORK = 10_000_000;
/** States × characters that are never counted against the clock. */
const FREE_WORK = 1_000_000;
/** All matches of one value together. */
const MATCH_MS = 50;
/** Visits of recursive schemas; an ambiguous recursion doubles them at each level. */
const MAX_STEPS = 100_000;

/** Thrown when a value would take too long to check; the message says why, for the caller. */
export class TooMuchWork extends Error {}

export class WorkBudget {
  #work = 0;
  #spentMs = 0;
  #steps = 0;

  reset(): void {
    this.#work = 0;
    this.#spentMs = 0;
    this.#steps = 0;
  }

  /** @throws TooMuchWork */
  match(work: number, run: () => boolean, source: string): boolean {
    this.#work += work;
    if (work > MAX_MATCH_WORK || (this.#work > FREE_WORK && this.#spentMs > MATCH_MS)) {
      throw new TooMuchWork(`there is too much text for the pattern /${source.slice(0, 80)}/`);
    }
    const startedMs = performance.now();
    const matched = run();
    this.#spentMs += performance.now() - startedMs;
    return matched;
  }

  /** @throws TooMuchWork */
  step(): true {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS) throw new TooMuchWork('it fits the recursive schema in too many ways');
    return true;
  }
}
