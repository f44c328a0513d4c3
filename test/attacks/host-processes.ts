// Sandbox hosts as the system shows them, while they are attacked: how they grow, whether they work, whether they have children.
import { readdirSync, readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
/** Of a core, over `BUSY_WINDOW_MS`, above which a host is still at work on something. */
const BUSY_SHARE = 0.6;
const BUSY_WINDOW_MS = 60;
const MS_PER_TICK = 10;

interface Watched {
  restBytes: number;
  peakBytes: number;
  cpuMs: number;
  cpuAtMs: number;
  /** Started after the window began. */
  isNew: boolean;
}

export interface HostsSeen {
  /** Largest growth of one of them, bytes. */
  growthBytes: number;
  /** When one of those that were there from the beginning last worked hard, performance.now(); 0: never. */
  busyUntilMs: number;
  /** Ended since the window began. */
  gone: readonly number[];
  /** Command lines of what a host has started. */
  children: readonly string[];
}

export class HostProcesses {
  readonly #nodePid: number;
  readonly #watched = new Map<number, Watched>();
  /** What a host has when it has just become ready. */
  #freshBytes = 0;
  #busyUntilMs = 0;
  #growthBytes = 0;
  #gone: number[] = [];
  #children = new Set<string>();

  constructor(nodePid: number) {
    this.#nodePid = nodePid;
  }

  /** What they have now is their rest. */
  begin(): void {
    this.discover();
    this.#gone = [];
    this.#growthBytes = 0;
    this.#busyUntilMs = 0;
    this.#children.clear();
    for (const [pid, one] of this.#watched) {
      const rss = rssOf(pid);
      if (rss === null) continue;
      Object.assign(one, { restBytes: rss, peakBytes: rss, isNew: false });
    }
    this.#freshBytes = Math.max(this.#freshBytes, Math.min(...[...this.#watched.values()].map(({ restBytes }) => restBytes)));
  }

  seen(): HostsSeen {
    this.sample(performance.now());
    return { growthBytes: this.#growthBytes, busyUntilMs: this.#busyUntilMs, gone: this.#gone, children: [...this.#children] };
  }

  /** Every few milliseconds. */
  sample(nowMs: number): void {
    for (const [pid, one] of this.#watched) {
      const rss = rssOf(pid);
      if (rss === null) {
        this.#watched.delete(pid);
        if (!one.isNew) this.#gone.push(pid);
        continue;
      }
      one.peakBytes = Math.max(one.peakBytes, rss);
      this.#growthBytes = Math.max(this.#growthBytes, one.peakBytes - one.restBytes);
      if (nowMs - one.cpuAtMs < BUSY_WINDOW_MS) continue;
      const cpuMs = cpuOf(pid) ?? one.cpuMs;
      if (!one.isNew && cpuMs - one.cpuMs > BUSY_SHARE * (nowMs - one.cpuAtMs)) this.#busyUntilMs = nowMs;
      Object.assign(one, { cpuMs, cpuAtMs: nowMs });
    }
  }

  /** Now and then: who is a host, and what is below one. */
  discover(): void {
    const parents = new Map<number, number>();
    for (const name of readdirSync('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const stat = read(`/proc/${name}/stat`);
      if (stat !== null) parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    }
    for (const pid of parents.keys()) {
      if (this.#watched.has(pid) || !isBelow(parents, pid, this.#nodePid)) continue;
      const command = read(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ') ?? '';
      // What starts a host, and stands around it, has its words in its own command line.
      if (command === '' || (command.includes('host-entry') && !command.startsWith(process.execPath))) continue;
      if (!command.includes('host-entry')) {
        if ([...this.#watched.keys()].some((host) => isBelow(parents, pid, host))) this.#children.add(command);
        continue;
      }
      const rss = rssOf(pid) ?? 0;
      const restBytes = Math.max(rss, this.#freshBytes);
      this.#watched.set(pid, { restBytes, peakBytes: restBytes, cpuMs: cpuOf(pid) ?? 0, cpuAtMs: performance.now(), isNew: true });
    }
  }
}

function isBelow(parents: ReadonlyMap<number, number>, pid: number, ancestor: number): boolean {
  for (let at = parents.get(pid); at !== undefined && at > 1; at = parents.get(at)) if (at === ancestor) return true;
  return false;
}

/** Null when it has ended. */
function rssOf(pid: number): number | null {
  const text = read(`/proc/${pid}/statm`);
  const pages = Number(text?.split(' ')[1]);
  return pages > 0 ? pages * PAGE_BYTES : null;
}

function cpuOf(pid: number): number | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
