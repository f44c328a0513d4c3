// The folder that one attempt of a proposer works in, and what it has changed there, judged by the files and not by its words.
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gitIn } from './git.ts';

export interface WorkspaceOptions {
  folder: string;
  /** The repository's own part for this worktree. */
  gitDir: string;
  searchPath: string;
  remove: () => Promise<void>;
}

/** What a proposer may leave behind, at most. */
const MAX_FILES = 100;
const MAX_FILE_BYTES = 1_048_576;

export type Change = { path: string; text: string } | { path: string; problem: string };

export class Workspace implements AsyncDisposable {
  readonly folder: string;
  readonly #options: WorkspaceOptions;

  constructor(options: WorkspaceOptions) {
    this.folder = options.folder;
    this.#options = options;
  }

  /** Files that are new or different, in the order of their paths; a problem is what no candidate may hold. */
  async changes(): Promise<readonly Change[]> {
    const { gitDir, searchPath } = this.#options;
    const git = gitIn(gitDir, { searchPath, workTree: this.folder });
    // Whatever an ignore file of its own would hide, too.
    const text = await git.raw(['status', '--porcelain=v1', '-z', '--untracked-files=all', '--ignored=traditional', '--no-renames']);
    const paths = text.split('\0').flatMap((entry) => (entry === '' ? [] : [{ state: entry.slice(0, 2), path: entry.slice(3) }]));
    if (paths.length > MAX_FILES) return [{ path: '.', problem: `${paths.length} files were changed, at most ${MAX_FILES} may be` }];
    const changes = await Promise.all(paths.map(({ state, path }) => this.#change(state, path)));
    return changes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.remove();
  }

  async #change(state: string, path: string): Promise<Change> {
    if (state.includes('D')) return { path, problem: 'it was removed' };
    const file = join(this.folder, path);
    const seen = await lstat(file).catch(() => null);
    if (seen === null || !seen.isFile())
      return { path, problem: seen?.isSymbolicLink() === true ? 'it is a symbolic link' : 'it is no file' };
    if (seen.size > MAX_FILE_BYTES) return { path, problem: `it has ${seen.size} bytes, at most ${MAX_FILE_BYTES} are taken` };
    const bytes = await readFile(file);
    try {
      const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
      return text.includes('\0') ? { path, problem: 'it is not text' } : { path, text };
    } catch {
      return { path, problem: 'it is not text' };
    }
  }
}
