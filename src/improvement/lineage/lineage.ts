// Who wrote what from which parent: a bare repository in the data folder with a commit for every candidate, accepted or not. It is
// for people and for plain git; the truth is in the code store, from which it can be made again.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { gitIn, type Authorship } from './git.ts';
import { message, readTrailers, type CandidateNote } from './trailers.ts';
import { Workspace } from './workspace.ts';

export interface LineageOptions {
  /** Of the bare repository; made when it is not there. */
  folder: string;
  /** Where scratch worktrees are made. */
  scratch: string;
  searchPath: string;
}

export interface CandidateCommit {
  /** For people: one line. */
  subject: string;
  /** For people: how it came about. */
  body: string;
  note: CandidateNote;
  files: SourceFiles;
  author: Authorship;
  /** Commit that it was made from; null: the agent's beginning. */
  parent: string | null;
}

export interface LineageEntry {
  commit: string;
  parents: readonly string[];
  subject: string;
  at: string;
  note: CandidateNote;
}

const EMPTY_TREE_NOTE = 'the beginning';
/** A fixed moment, so that the beginning of an agent is the same commit everywhere. */
const BEGINNING: Authorship = { name: 'seed-agent', atMs: 0 };

export class Lineage {
  readonly #options: LineageOptions;
  #ready: Promise<void> | null = null;
  /** One change after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LineageOptions) {
    this.#options = options;
  }

  get folder(): string {
    return this.#options.folder;
  }

  /**
   * Writes a candidate down; the same one again is the same commit.
   * @param branch for example `packer/01936f8e-1`; it points to the commit afterwards
   * @returns the commit
   */
  record(branch: string, candidate: CandidateCommit): Promise<string> {
    return this.#exclusive(async () => {
      await this.#prepare();
      const { files, note, author, subject, body } = candidate;
      const parent = candidate.parent ?? (await this.#beginning(note.agent));
      const tree = await this.#writeTree(files);
      const git = gitIn(this.folder, { ...this.#options, author });
      const commit = (await git.raw(['commit-tree', tree, '-p', parent, '-m', message(subject, body, note)])).trim();
      await git.raw(['update-ref', `refs/heads/${branch}`, commit]);
      if (note.version !== undefined) await git.raw(['update-ref', `refs/tags/${note.agent}/v${note.version}`, commit]);
      if (note.hash !== undefined) await git.raw(['update-ref', `refs/artifacts/${note.hash}`, commit]);
      return commit;
    });
  }

  /** The commit that holds a version; null when it was never written down. */
  commitOf(hash: string): Promise<string | null> {
    return this.#exclusive(async () => {
      await this.#prepare();
      const found = await gitIn(this.folder, this.#options).raw(['for-each-ref', '--format=%(objectname)', `refs/artifacts/${hash}`]);
      return found.trim() === '' ? null : found.trim();
    });
  }

  /** What a proposer works in: a scratch worktree with these files, nothing of the node, and nothing that scores it. */
  workspace(commit: string): Promise<Workspace> {
    return this.#exclusive(async () => {
      await this.#prepare();
      await mkdir(this.#options.scratch, { recursive: true });
      const folder = join(await mkdtemp(join(this.#options.scratch, 'attempt-')), 'agent');
      await gitIn(this.folder, this.#options).raw(['worktree', 'add', '--detach', '--quiet', folder, commit]);
      // Read before anybody else could have written it.
      const gitDir = (await readFile(join(folder, '.git'), 'utf8')).replace(/^gitdir: /, '').trim();
      return new Workspace({
        folder,
        gitDir,
        searchPath: this.#options.searchPath,
        remove: () =>
          this.#exclusive(async () => {
            await rm(dirname(folder), { recursive: true, force: true });
            await gitIn(this.folder, this.#options).raw(['worktree', 'prune']);
          }),
      });
    });
  }

  /** Every candidate of an agent, the newest first. */
  log(agent: string): Promise<LineageEntry[]> {
    return this.#exclusive(async () => {
      await this.#prepare();
      const format = ['%H', '%P', '%s', '%cI', '%(trailers:only,unfold)'].join('%x1f');
      const patterns = [`--glob=refs/heads/${agent}/*`, `--glob=refs/tags/${agent}/*`];
      const text = await gitIn(this.folder, this.#options).raw(['log', ...patterns, '--date-order', `--format=${format}%x1e`]);
      return text.split('\x1e\n').flatMap((line) => entryOf(line));
    });
  }

  /** False: something in it can not be read, and it is to be made again. */
  isSound(): Promise<boolean> {
    return this.#exclusive(async () => {
      if (!existsSync(join(this.folder, 'HEAD'))) return false;
      try {
        await gitIn(this.folder, this.#options).raw(['fsck', '--full', '--strict', '--no-dangling']);
        return true;
      } catch {
        return false;
      }
    });
  }

  /** Sets what is there aside and begins anew. @returns where the old one is now */
  setAside(): Promise<string> {
    return this.#exclusive(async () => {
      const aside = `${this.folder}.damaged-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
      if (existsSync(this.folder)) await rename(this.folder, aside);
      this.#ready = null;
      await this.#prepare();
      return aside;
    });
  }

  #prepare(): Promise<void> {
    this.#ready ??= this.#create();
    return this.#ready.catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
  }

  async #create(): Promise<void> {
    if (existsSync(join(this.folder, 'HEAD'))) {
      // What a former life left checked out.
      await rm(this.#options.scratch, { recursive: true, force: true });
      await gitIn(this.folder, this.#options).raw(['worktree', 'prune']);
      return;
    }
    // Made beside it and renamed: a folder that is there is a repository.
    const made = `${this.folder}.new`;
    await rm(made, { recursive: true, force: true });
    await mkdir(made, { recursive: true, mode: 0o700 });
    await gitIn(made, this.#options).raw(['init', '--bare', '--quiet', '--initial-branch=none']);
    await rename(made, this.folder);
  }

  async #beginning(agent: string): Promise<string> {
    const git = gitIn(this.folder, { ...this.#options, author: BEGINNING });
    const tree = (await git.raw(['hash-object', '-t', 'tree', '-w', '/dev/null'])).trim();
    return (await git.raw(['commit-tree', tree, '-m', `${agent}: ${EMPTY_TREE_NOTE}\n`])).trim();
  }

  async #writeTree(files: SourceFiles): Promise<string> {
    await mkdir(this.#options.scratch, { recursive: true });
    const scratch = await mkdtemp(join(this.#options.scratch, 'tree-'));
    try {
      const folder = join(scratch, 'files');
      for (const [path, text] of Object.entries(files)) {
        const file = join(folder, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text);
      }
      const git = gitIn(this.folder, { ...this.#options, workTree: { folder, index: join(scratch, 'index') } });
      await git.raw(['add', '--all', '--force', '.']);
      return (await git.raw(['write-tree'])).trim();
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function entryOf(line: string): LineageEntry[] {
  const [commit = '', parents = '', subject = '', at = '', trailers = ''] = line.trim().split('\x1f');
  const note = readTrailers(trailers);
  // The beginning holds nothing.
  if (commit === '' || note.proposer === '') return [];
  return [{ commit, parents: parents.split(' ').filter((parent) => parent !== ''), subject, at, note }];
}
