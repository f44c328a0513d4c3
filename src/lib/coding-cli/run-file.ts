// A file for one run of a program: what is too long for its command line, or is to be seen by nobody in a list of processes.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface RunFile {
  path: string;
  remove: () => void;
}

/** In a folder of its own that only this user can read. */
export function runFile(name: string, content: string): RunFile {
  const folder = mkdtempSync(join(tmpdir(), 'seed-run-'));
  const path = join(folder, name);
  writeFileSync(path, content);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
