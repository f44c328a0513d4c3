// Memory of the processes below this one, from /proc: for status and health.
import { readFile } from 'node:fs/promises';
import type { ChildDescription } from '#kernel/supervisor/description.ts';

const PAGE_BYTES = 4_096;

/** Resident bytes; 0 when the process is gone or the system has no /proc. */
async function residentBytes(pid: number): Promise<number> {
  try {
    const pages = (await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1];
    return Number(pages) * PAGE_BYTES;
  } catch {
    return 0;
  }
}

/** The description with the memory of every process in it. */
export async function withMemory(description: ChildDescription): Promise<ChildDescription> {
  const [memoryBytes, children] = await Promise.all([
    description.pid === null ? undefined : residentBytes(description.pid),
    description.children === undefined ? undefined : Promise.all(description.children.map(withMemory)),
  ]);
  return { ...description, ...(memoryBytes === undefined ? {} : { memoryBytes }), ...(children === undefined ? {} : { children }) };
}

/** Sum over all processes of a description. */
export function totalMemory(description: ChildDescription): number {
  return (description.memoryBytes ?? 0) + (description.children ?? []).reduce((sum, child) => sum + totalMemory(child), 0);
}
