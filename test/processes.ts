// What the system itself says of the processes of a node (Linux): nothing a node reports of itself proves that nothing is left.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Everything that was started in this folder and still runs: a node's whole tree inherits its folder. Zombies do not run. */
export function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readLink(`/proc/${pid}/cwd`) === folder);
}

/** Children of a process, and theirs. */
export function descendants(pid: number): { pid: number; command: string }[] {
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => / \((?:.*)\) \S (\d+) /s.exec(` ${read(`/proc/${name}/stat`).replace(/^\d+ /, '')}`)?.[1] === String(pid))
    .map(Number);
  return children.flatMap((child) => [
    { pid: child, command: read(`/proc/${child}/cmdline`).replaceAll('\0', ' ').trim() },
    ...descendants(child),
  ]);
}

/** TCP ports that a process listens on. */
export function tcpListeners(pid: number): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`) ?? '')?.[1]),
  );
  return ['tcp', 'tcp6'].flatMap((table) =>
    read(`/proc/${pid}/net/${table}`)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, ...rest]) => state === '0A' && sockets.has(rest[5]))
      .map(([, address = '']) => Number.parseInt(address.split(':')[1] ?? '', 16)),
  );
}

/** kill -9 of each; one that has gone with another is not missed. */
export function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z /s.test(read(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}

/** Empty for what went away meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readLink(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}
