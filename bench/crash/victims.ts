// The processes of a running program by what they do, and what the system says of them after they were killed.
import { readdirSync, readFileSync } from 'node:fs';
import { identifyProcess, isSameProcessAlive, type ProcessIdentity } from '#lib/process-identity.ts';
import { descendants } from '../../test/processes.ts';
import type { SeedProcess } from '../../test/seed-process.ts';

/** By the beginning of its path in the tree. */
export async function pidsOf(seed: SeedProcess, path: string): Promise<readonly number[]> {
  const { body } = await seed.api<{ data: { tree: { path: string; pid: number | null; status: string }[] } }>('GET', '/api/system/status');
  return body.data.tree.flatMap((row) => (row.path.startsWith(path) && row.pid !== null && row.status === 'running' ? [row.pid] : []));
}

/** A process and everything below it, by number and start time. */
export function familyOf(pid: number): readonly ProcessIdentity[] {
  return [pid, ...descendants(pid).map((one) => one.pid)].flatMap((one) => identifyProcess(one) ?? []);
}

export function stillAlive(family: readonly ProcessIdentity[]): number {
  return family.filter(isSameProcessAlive).length;
}

/** Children of the program's that have ended and that nobody has asked about. */
export function zombiesOf(rootPid: number): number {
  const family = new Set([rootPid, ...descendants(rootPid).map(({ pid }) => pid)]);
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isZombieOf(name, family)).length;
}

function isZombieOf(name: string, family: ReadonlySet<number>): boolean {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' && family.has(Number(parent));
  } catch {
    return false;
  }
}
