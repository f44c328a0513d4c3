// The bare repository as files: made, put in order after a life that ended in the middle, and looked through for damage.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ARTIFACT_REFS, BEGINNING_REFS } from './candidate-commit.ts';
import { gitIn, wasTooSlow } from './git.ts';

/** Ours to the letter: whatever else somebody writes into it could name programs that git runs. */
const CONFIG = `[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\thooksPath = /dev/null
[gc]
\tautoDetach = false
[log]
\texcludeDecoration = ${ARTIFACT_REFS}
\texcludeDecoration = ${BEGINNING_REFS}
`;

/** Folders of a repository in which git leaves locks and unfinished files; the others only hold finished objects. */
const SWEPT = ['.', 'objects/info', 'objects/pack'];
/** Settings in other places, which this repository has none of. */
const FOREIGN = ['commondir', 'config.worktree', 'hooks', 'info/attributes', 'info/grafts', 'objects/info/alternates'];
/** Damaged repositories that are kept for somebody to look at. */
const KEPT_ASIDE = 2;
const LEFT_BEHIND = /\.lock$|^tmp_|^fast_import_crash_/;

/** @param folder is not there yet */
export async function createRepository(folder: string, searchPath: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await gitIn(folder, { searchPath }).raw(['init', '--bare', '--initial-branch=none']);
  await writeFile(join(folder, 'config'), CONFIG);
}

/** Takes away what a killed process has left: locks, unfinished files, worktrees. Only where nobody else writes. @returns false: it can not be done */
export async function putInOrder(folder: string): Promise<boolean> {
  try {
    await restoreSettings(folder);
    await rm(join(folder, 'worktrees'), { recursive: true, force: true });
    await sweepLocks(folder);
    return true;
  } catch {
    return false;
  }
}

/** Before git does anything: whoever works in a worktree knows where this is. A repository that is not there stays away. */
export async function restoreSettings(folder: string): Promise<void> {
  for (const name of FOREIGN) await rm(join(folder, name), { recursive: true, force: true });
  const config = join(folder, 'config');
  if ((await readFile(config, 'utf8').catch(() => '')) === CONFIG) return;
  await rm(config, { recursive: true, force: true });
  if (existsSync(folder)) await writeFile(config, CONFIG);
}

export async function sweepLocks(folder: string): Promise<void> {
  const [references, ...others] = await Promise.all([
    filesIn(join(folder, 'refs'), true),
    ...SWEPT.map((name) => filesIn(join(folder, name), false)),
  ]);
  const left = [...(references ?? []), ...others.flat()].filter(({ name }) => LEFT_BEHIND.test(name));
  await Promise.all(left.map(({ path }) => rm(path, { force: true })));
}

/** False: something in it can not be read. What takes too long to look through counts as sound: it is found where it is used. */
export async function isSound(folder: string, searchPath: string): Promise<boolean> {
  try {
    await gitIn(folder, { searchPath }).raw(['fsck', '--full', '--strict', '--root', '--no-dangling', '--no-progress']);
    return true;
  } catch (error) {
    return wasTooSlow(error);
  }
}

/** What plain `git log` shows. */
export async function setHead(folder: string, branch: string): Promise<void> {
  const written = join(folder, 'HEAD.lock');
  await writeFile(written, `ref: refs/heads/${branch}\n`);
  await rename(written, join(folder, 'HEAD'));
}

export async function hasCommit(folder: string, searchPath: string, commit: string): Promise<boolean> {
  return gitIn(folder, { searchPath })
    .raw(['rev-parse', '--verify', '--quiet', `${commit}^{commit}`])
    .then(() => true)
    .catch(() => false);
}

/**
 * Puts a repository away for somebody to look at; only the newest few are kept. Worktrees in use go on in the one that takes its place.
 * @returns where it is now; null: there was none
 */
export async function setAside(folder: string, successor: string, searchPath: string): Promise<string | null> {
  const names = await readdir(dirname(folder));
  if (!names.includes(basename(folder))) return null;
  await moveWorktrees(folder, successor, searchPath);
  const aside = `${folder}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  await rename(folder, aside);
  const older = names.filter((name) => name.startsWith(`${basename(folder)}.damaged-`)).toSorted();
  const forgotten = older.slice(0, Math.max(0, older.length - KEPT_ASIDE + 1));
  await Promise.all(forgotten.map((name) => rm(join(dirname(folder), name), { recursive: true, force: true })));
  return aside;
}

/** The same candidates are the same commits, so that the worktree of an attempt that is under way fits to the new repository too. */
async function moveWorktrees(from: string, to: string, searchPath: string): Promise<void> {
  for (const name of await readdir(join(from, 'worktrees')).catch(() => [])) {
    const worktree = join(from, 'worktrees', name);
    const head = await readFile(join(worktree, 'HEAD'), 'utf8').catch(() => '');
    if (!(await hasCommit(to, searchPath, head.trim()))) continue;
    await mkdir(join(to, 'worktrees'), { recursive: true });
    await rename(worktree, join(to, 'worktrees', name));
  }
}

async function filesIn(folder: string, recursive: boolean): Promise<{ name: string; path: string }[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map(({ name, parentPath }) => ({ name, path: join(parentPath, name) }));
}
