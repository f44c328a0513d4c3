// The folder that one attempt of a proposer works in, and what it has changed there: found by looking at the files, never by asking git,
// which would do what somebody has written into its configuration or index meanwhile.
import type { Dirent } from 'node:fs';
import { lstat, opendir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a proposer may leave behind, at most. */
const MAX_FILES = 100;
const MAX_FILE_BYTES = 1_048_576;
/** Looked at, changed or not. */
const MAX_ENTRIES = 10_000;
/** What makes the folder a worktree; whatever it is by now, it is no part of a candidate. */
const GIT = '.git';

export type Change = { path: string; text: string } | { path: string; problem: string };

export class Workspace implements AsyncDisposable {
  readonly folder: string;
  readonly #before: ReadonlyMap<string, string>;
  readonly #remove: () => Promise<void>;

  private constructor(folder: string, before: ReadonlyMap<string, string>, remove: () => Promise<void>) {
    this.folder = folder;
    this.#before = before;
    this.#remove = remove;
  }

  /** @param folder just made, before anybody else could have written into it */
  static async open(folder: string, remove: () => Promise<void>): Promise<Workspace> {
    const before = new Map<string, string>();
    for await (const { path } of entriesOf(folder)) before.set(path, await readFile(join(folder, path), 'utf8'));
    return new Workspace(folder, before, remove);
  }

  /** Files that are new or different, in the order of their paths; a problem is what no candidate may hold. */
  async changes(): Promise<readonly Change[]> {
    const changes: Change[] = [];
    const gone = new Set(this.#before.keys());
    let entries = 0;
    for await (const { path, entry } of entriesOf(this.folder)) {
      gone.delete(path);
      entries += 1;
      if (entries > MAX_ENTRIES) return [{ path: '.', problem: `there are more than ${MAX_ENTRIES} files` }];
      const change = entry.isFile() ? await readChange(this.folder, path) : unfit(path, entry);
      if ('text' in change && change.text === this.#before.get(path)) continue;
      changes.push(change);
      if (changes.length > MAX_FILES) return [{ path: '.', problem: `more than ${MAX_FILES} files were changed` }];
    }
    for (const path of gone) changes.push({ path, problem: 'it was removed' });
    return changes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#remove();
  }
}

/** Everything that is no folder, without following links. */
async function* entriesOf(root: string, below = ''): AsyncGenerator<{ path: string; entry: Dirent }> {
  for await (const entry of await opendir(join(root, below))) {
    const path = join(below, entry.name);
    if (path === GIT) continue;
    if (entry.isDirectory()) yield* entriesOf(root, path);
    else yield { path, entry };
  }
}

function unfit(path: string, entry: Dirent): Change {
  return { path, problem: entry.isSymbolicLink() ? 'it is a symbolic link' : 'it is no file' };
}

async function readChange(folder: string, path: string): Promise<Change> {
  const file = join(folder, path);
  const seen = await lstat(file).catch(() => null);
  if (seen === null || !seen.isFile()) return { path, problem: 'it is no file' };
  if (seen.size > MAX_FILE_BYTES) return { path, problem: `it has ${seen.size} bytes, at most ${MAX_FILE_BYTES} are taken` };
  const bytes = await readFile(file);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? { path, problem: 'it is not text' } : { path, text };
  } catch {
    return { path, problem: 'it is not text' };
  }
}
