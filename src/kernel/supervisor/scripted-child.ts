// Children for tests that do what a script says: they log `+id` when they start and `-id(shutdown)` when they end as asked.
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { RunningChild, StartChild } from './child.ts';
import type { ExitReason } from './exit-reason.ts';

export class Script {
  readonly log: string[] = [];
  readonly #alive = new Map<string, (reason: ExitReason) => void>();
  readonly #failures = new Map<string, number>();
  readonly #stubborn = new Set<string>();
  readonly #hanging = new Set<string>();
  readonly #ignored = new Set<string>();
  readonly #released = new Map<string, () => void>();

  start(id: string): StartChild {
    return async () => {
      const failures = this.#failures.get(id) ?? 0;
      if (failures > 0) {
        this.#failures.set(id, failures - 1);
        this.log.push(`!${id}`);
        throw new Error(`${id} fails to start`);
      }
      if (this.#ignored.has(id)) return 'ignore';
      if (this.#hanging.delete(id)) await new Promise<void>((resolve) => this.#released.set(id, resolve));
      this.log.push(`+${id}`);
      return this.#run(id);
    };
  }

  /** The child ends by itself. */
  exit(id: string, reason: ExitReason): void {
    this.#alive.get(id)?.(reason);
  }

  get alive(): readonly string[] {
    return [...this.#alive.keys()].toSorted();
  }

  /** Its next starts fail, this many times. */
  failStarts(id: string, times: number): void {
    this.#failures.set(id, times);
  }

  /** Its next start does not come back until it is released. */
  hangStart(id: string): void {
    this.#hanging.add(id);
  }

  release(id: string): void {
    this.#released.get(id)?.();
  }

  /** It does not end when it is asked to. */
  ignoreShutdown(id: string): void {
    this.#stubborn.add(id);
  }

  /** Its starts answer `ignore`. */
  ignoreStart(id: string): void {
    this.#ignored.add(id);
  }

  #run(id: string): RunningChild {
    const { promise: exited, resolve } = Promise.withResolvers<ExitReason>();
    const end = (reason: ExitReason) => {
      if (this.#alive.get(id) === end) this.#alive.delete(id);
      resolve(reason);
    };
    this.#alive.set(id, end);
    return {
      exited,
      shutdown: () => {
        if (this.#stubborn.has(id)) return;
        this.log.push(`-${id}(shutdown)`);
        end({ kind: 'shutdown' });
      },
      kill: () => end({ kind: 'killed' }),
    };
  }
}

/** Until nothing follows any more from what was done: scripted children wait for nothing but each other. */
export async function settle(script: Script): Promise<void> {
  for (let before = -1, quiet = 0; quiet < 3; quiet = before === script.log.length ? quiet + 1 : 0) {
    before = script.log.length;
    await nextTurn();
  }
}
