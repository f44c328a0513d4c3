// A host that bubblewrap has started: three processes, of which the last is the host. To others they look like one.
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Socket } from 'node:net';
import type { ChildHandle, ProcessExit } from '#lib/process.ts';

export class ConfinedProcess implements ChildHandle {
  readonly stdio: readonly (Socket | null)[];
  readonly exited: Promise<ProcessExit>;
  readonly #monitor: ChildHandle;
  #host: number | null = null;
  #ended = false;

  constructor(monitor: ChildHandle) {
    this.#monitor = monitor;
    this.stdio = monitor.stdio;
    this.exited = monitor.exited.then((exit) => {
      this.#ended = true;
      return unwrapped(exit);
    });
  }

  /** The host's own, as this process sees it; until the host has begun, that of bubblewrap. */
  get pid(): number {
    return this.#host ?? this.#monitor.pid;
  }

  /** The host has said its first word: from here on its number is known. */
  begun(): void {
    const [first] = childrenOf(this.#monitor.pid);
    this.#host = first === undefined ? null : (childrenOf(first)[0] ?? null);
  }

  pipe(fd: number): Socket {
    return this.#monitor.pipe(fd);
  }

  kill(signal: NodeJS.Signals): boolean {
    if (signal !== 'SIGKILL') return this.#signal(this.pid, signal);
    // With the first process of a namespace the kernel ends all others and waits for them; then the monitor reaps it and ends too.
    // The other way round somebody would have to reap it who may not do so: process 1 of a container.
    const [first] = this.#ended ? [] : childrenOf(this.#monitor.pid);
    if (first === undefined) return this.#monitor.kill('SIGKILL');
    // The host itself is told too: the kernel comes to it only when the first process has had a processor to end on.
    for (const pid of [...childrenOf(first), first]) this.#signal(pid, 'SIGKILL');
    // Somebody may have stopped it.
    return this.#monitor.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.exited;
  }

  #signal(pid: number, signal: NodeJS.Signals): boolean {
    // Its numbers may be somebody else's by then.
    if (this.#ended) return false;
    try {
      return process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
      throw error;
    }
  }
}

/** bubblewrap ends with 128 and the number of the signal that has ended its command. */
function unwrapped(exit: ProcessExit): ProcessExit {
  const number = (exit.code ?? 0) - 128;
  const [signal] = Object.entries(constants.signals).find(([, value]) => value === number) ?? [];
  return signal === undefined ? exit : { code: null, signal: signal as NodeJS.Signals };
}

/** Of its first thread. Empty when it has ended. */
function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
