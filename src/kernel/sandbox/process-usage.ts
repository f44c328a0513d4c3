// What another process uses, read from /proc through files that stay open: two microseconds a reading. Nothing where there is no /proc.
import { closeSync, openSync, readSync } from 'node:fs';

/** Of the kernel's interface to programs, the same on every Linux. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = process.arch === 'arm64' ? undefined : 4096;

export class ProcessUsage implements Disposable {
  readonly #buffer = Buffer.alloc(1024);
  #stat: number | null;
  #status: number | null;

  constructor(pid: number) {
    this.#stat = open(`/proc/${pid}/task/${pid}/stat`);
    this.#status = open(PAGE_BYTES === undefined ? `/proc/${pid}/status` : `/proc/${pid}/statm`);
  }

  /** Resident memory; null when it can not be known. */
  rssBytes(): number | null {
    const text = this.#read(this.#status);
    if (text === null) return null;
    // arm64 has pages of several sizes, so there the kernel's own conversion is read.
    if (PAGE_BYTES === undefined) {
      const kilobytes = /^VmRSS:\s+(\d+)/m.exec(text)?.[1];
      return kilobytes === undefined ? null : Number(kilobytes) * 1024;
    }
    return Number(text.split(' ', 2)[1]) * PAGE_BYTES;
  }

  /** The thread that runs its loop: processor time, and whether it runs (or would like to), sleeps, or was stopped by SIGSTOP. */
  mainThread(): { cpuMs: number; state: 'running' | 'asleep' | 'stopped' } | null {
    const text = this.#read(this.#stat);
    if (text === null) return null;
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const state = fields[0] === 'T' ? 'stopped' : fields[0] === 'S' ? 'asleep' : 'running';
    return { cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND, state };
  }

  [Symbol.dispose](): void {
    for (const fd of [this.#stat, this.#status]) if (fd !== null) closeSync(fd);
    this.#stat = null;
    this.#status = null;
  }

  #read(fd: number | null): string | null {
    if (fd === null) return null;
    try {
      return this.#buffer.toString('latin1', 0, readSync(fd, this.#buffer, 0, this.#buffer.length, 0));
    } catch {
      // ESRCH: it has ended.
      return null;
    }
  }
}

function open(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}
