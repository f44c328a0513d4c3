// Which process a number means: ids come round again, in containers at once, so a pid alone must never be trusted or killed.
import { readFileSync } from 'node:fs';

/** Together unique: no two processes of one boot share pid and start time. */
export interface ProcessIdentity {
  pid: number;
  /** Start time in clock ticks since boot, as /proc/<pid>/stat has it. */
  startTicks: number;
  /** Of the running kernel. */
  bootId: string;
}

/** Null when there is no such process, when it is only a zombie, and on a system without /proc (macOS). */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const bootId = readProc('/proc/sys/kernel/random/boot_id')?.trim();
  const stat = readProc(`/proc/${pid}/stat`);
  if (bootId === undefined || stat === undefined) return null;
  // The program's name, the second field, may contain spaces and brackets itself.
  const [state = 'X', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = Number(fields[18]);
  return 'ZX'.includes(state) || !Number.isSafeInteger(startTicks) ? null : { pid, startTicks, bootId };
}

/** Whether this very process is still running. */
export function isSameProcessAlive(identity: ProcessIdentity): boolean {
  const now = identifyProcess(identity.pid);
  return now !== null && now.startTicks === identity.startTicks && now.bootId === identity.bootId;
}

function readProc(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
