// Whose version ended its host. The black box knows numbers; a call that hit its limit has been told so already when its isolate,
// stuck in native code, takes the host along a moment later: its number is remembered for that long.
import type { ProcessExit } from '#lib/process.ts';

const REMEMBERED = 256;
const SIGNALS_FROM_OUTSIDE: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT']);
/** What a wrapper makes of those signals: 128 and their numbers. */
const CODES_FROM_OUTSIDE: ReadonlySet<number> = new Set([129, 130, 131, 137, 143]);

export class Culprits {
  readonly #hashes = new Map<number, string>();

  /** The call was ended for what it did itself. */
  remember(number: number, hash: string): void {
    this.#hashes.set(number, hash);
    const oldest = this.#hashes.keys().next().value;
    if (this.#hashes.size > REMEMBERED && oldest !== undefined) this.#hashes.delete(oldest);
  }

  /**
   * @param running numbers that may have been the cause
   * @param hashOf of a call or a loading that has not ended
   * @returns the version they all are of; null when they are of several, or not of any
   */
  versionOf(running: readonly number[], hashOf: (number: number) => string | undefined): string | null {
    const hashes = new Set(running.map((number) => hashOf(number) ?? this.#hashes.get(number)));
    const [hash] = hashes;
    return hashes.size === 1 && hash !== undefined ? hash : null;
  }
}

/** Somebody else sent it a signal (a person, the system short of memory): what it was doing is no cause. */
export function isFromOutside({ code, signal }: ProcessExit): boolean {
  return signal === null ? code !== null && CODES_FROM_OUTSIDE.has(code) : SIGNALS_FROM_OUTSIDE.has(signal);
}
