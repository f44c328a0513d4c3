// Control groups of a host, where the node may make some: a last limit on memory and threads that holds between two looks of the
// watchdogs. Both versions of the kernel's interface; nothing where neither is delegated to us.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Far above what a host needs: the watchdogs act long before. */
const MEMORY_BYTES = 2 * 1024 ** 3;
const THREADS = 256;
const ROOT = '/sys/fs/cgroup';
export const GROUP_PREFIX = 'seed-host-';

interface Controller {
  /** Of the node's own group. */
  folder: string;
  /** File → what is written into it. */
  limits: Readonly<Record<string, string>>;
}

export class HostCgroup implements Disposable {
  readonly #folders: readonly string[];

  private constructor(folders: readonly string[]) {
    this.#folders = folders;
  }

  /** Moves a process, and what it starts from then on, into groups of its own. @returns what holds; with nothing in it where nothing does */
  static around(pid: number): HostCgroup {
    return new HostCgroup(controllers().flatMap((controller) => enter(controller, pid)));
  }

  /** When its processes have ended. */
  [Symbol.dispose](): void {
    for (const folder of this.#folders) remove(folder);
  }
}

function controllers(): Controller[] {
  let text: string;
  try {
    text = readFileSync('/proc/self/cgroup', 'utf8');
  } catch {
    return [];
  }
  const own = new Map(
    text.split('\n').flatMap((line): [string, string][] => {
      const [, names, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return names === undefined || path === undefined ? [] : names.split(',').map((name) => [name, path]);
    }),
  );
  const [memory, pids, unified] = [own.get('memory'), own.get('pids'), own.get('')];
  const older: Controller[] = [
    ...(memory === undefined ? [] : [{ folder: join(ROOT, 'memory', memory), limits: { 'memory.limit_in_bytes': String(MEMORY_BYTES) } }]),
    ...(pids === undefined ? [] : [{ folder: join(ROOT, 'pids', pids), limits: { 'pids.max': String(THREADS) } }]),
  ];
  if (older.length > 0 || unified === undefined) return older;
  return [{ folder: join(ROOT, unified), limits: { 'memory.max': String(MEMORY_BYTES), 'pids.max': String(THREADS) } }];
}

/** @returns the group's folder, if all of it could be done */
function enter({ folder, limits }: Controller, pid: number): string[] {
  const own = join(folder, `${GROUP_PREFIX}${pid}`);
  try {
    sweep(folder);
    mkdirSync(own);
    for (const [file, value] of Object.entries(limits)) {
      // A file that is not there would be made where this is no control group at all.
      if (!existsSync(join(own, file))) throw new Error(`${file} is not delegated`);
      writeFileSync(join(own, file), value);
    }
    writeFileSync(join(own, 'cgroup.procs'), String(pid));
    return [own];
  } catch {
    remove(own);
    return [];
  }
}

/** Those that a killed node has left behind: empty ones alone can be removed. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) if (name.startsWith(GROUP_PREFIX)) remove(join(folder, name));
}

function remove(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or somebody is still in it: the next sweep has it.
  }
}
