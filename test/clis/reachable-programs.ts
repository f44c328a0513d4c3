// The programs of the coding agents where every user of the machine reaches them: tests that root runs start them as somebody else.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Links take no room, and no time; between two file systems there are none. */
const WAYS = [['-rl'], ['-r']];

export function setup(): (() => void) | undefined {
  const installed = process.env['SEED_CLIS'] ?? '';
  if (process.getuid?.() !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'seed-clis-programs-'));
  chmodSync(folder, 0o755);
  const isThere = WAYS.some((way) => spawnSync('cp', [...way, join(installed, 'node_modules'), folder]).status === 0);
  if (!isThere) throw new Error(`the programs in ${installed} could not be put where other users reach them`);
  process.env['SEED_CLIS'] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
