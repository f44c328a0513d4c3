// A file without a name: read and written through its descriptor, which children can inherit, and gone with the last who holds it.
import { mkdtempSync, openSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where the system has such a place. @returns a file descriptor for the caller to close */
export function openUnlinkedFile(): number {
  const folder = mkdtempSync(join(hasSharedMemory() ? '/dev/shm' : tmpdir(), 'seed-'));
  try {
    return openSync(join(folder, 'file'), 'wx+', 0o600);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function hasSharedMemory(): boolean {
  try {
    return statSync('/dev/shm').isDirectory();
  } catch {
    return false;
  }
}
