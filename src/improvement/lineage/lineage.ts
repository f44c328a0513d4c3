// Who wrote what from which parent: a bare repository in the data folder with a commit for every candidate, accepted or not. It is
// for people and for plain git; the truth is in the code store and the improvements, from which it is made again when it is damaged.
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { SeedError } from '#lib/error.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { emit } from '#telemetry/emit.ts';
import { createRepository, hasCommit, isSound, putInOrder, restoreSettings, setAside, sweepLocks } from './bare-repository.ts';
import { ARTIFACT_REFS, type CandidateRecord } from './candidate-commit.ts';
import { branchOf } from './candidate-record.ts';
import { commitAt, writeCandidates, writeMissing, type KnownCandidate } from './candidate-writer.ts';
import { gitIn } from './git.ts';
import { readTrailers, type CandidateNote } from './trailers.ts';
import { Workspace } from './workspace.ts';

const PASSAGE = 0o711;

export interface LineageOptions {
  /** Of the bare repository; made when it is not there. */
  folder: string;
  /** Where scratch worktrees are made. */
  scratch: string;
  searchPath: string;
  /** Everything that belongs into it, parents before their children; asked when it is first used, and when it is damaged. Default: nothing. */
  known?: () => AsyncIterable<KnownCandidate>;
  /** Told of what does not stop anybody: `known` could not be asked. */
  onError?: (error: unknown) => void;
}

export interface CandidateCommit extends CandidateRecord {
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
   * @throws SeedError `unavailable` when it can not be written, not even into a repository that was made anew
   */
  record(branch: string, candidate: CandidateCommit): Promise<string> {
    return this.#exclusive(async () => {
      const write = async (folder: string): Promise<string> => {
        const parent = await this.#parentOf(folder, candidate);
        const [commit = ''] = await writeCandidates(folder, this.#options.searchPath, [{ branch, candidate, parent }]);
        return commit;
      };
      return this.#mending(write, { insist: true });
    });
  }

  /** The commit that holds a version; null when it was never written down. @throws SeedError `unavailable` */
  commitOf(hash: string): Promise<string | null> {
    return this.#exclusive(() => this.#mending((folder) => commitAt(folder, this.#options.searchPath, `${ARTIFACT_REFS}${hash}`)));
  }

  /** The commit of a candidate by its id; null when it was never written down. @throws SeedError `unavailable` */
  commitOfCandidate(agent: string, id: string): Promise<string | null> {
    return this.#exclusive(() =>
      this.#mending((folder) => commitAt(folder, this.#options.searchPath, `refs/heads/${branchOf(agent, id)}`)),
    );
  }

  /**
   * What a proposer works in: a scratch worktree with these files, nothing of the node, and nothing that scores it.
   * @param changed in place of the commit's, or beside them; they are what it begins with, and no change of its own
   * @throws SeedError `unavailable`
   */
  workspace(commit: string, changed: SourceFiles = {}): Promise<Workspace> {
    return this.#exclusive(() =>
      this.#mending(async () => {
        // Whoever is let into the worktree gets to it, and sees nothing on the way.
        await mkdir(this.#options.scratch, { recursive: true, mode: PASSAGE });
        const around = await mkdtemp(join(this.#options.scratch, 'attempt-'));
        await chmod(around, PASSAGE);
        const folder = join(around, 'agent');
        await this.#git().raw(['worktree', 'add', '--detach', folder, commit]);
        for (const [path, text] of Object.entries(changed)) {
          await mkdir(dirname(join(folder, path)), { recursive: true });
          await writeFile(join(folder, path), text);
        }
        // Read before anybody else could have written it.
        const gitDir = (await readFile(join(folder, '.git'), 'utf8')).replace(/^gitdir: /, '').trim();
        return Workspace.open(folder, () =>
          this.#exclusive(async () => {
            await rm(around, { recursive: true, force: true });
            await rm(gitDir, { recursive: true, force: true });
          }),
        );
      }),
    );
  }

  /** Every candidate of an agent, the newest first. @throws SeedError `unavailable` */
  log(agent: string): Promise<LineageEntry[]> {
    return this.#exclusive(() =>
      this.#mending(async () => {
        const format = ['%H', '%P', '%s', '%cI', '%(trailers:only,unfold)'].join('%x1f');
        const patterns = [`--glob=refs/heads/${agent}/*`, `--glob=refs/tags/${agent}/*`];
        const text = await this.#git().raw(['log', ...patterns, '--date-order', `--format=${format}%x1e`]);
        return text.split('\x1e\n').flatMap((line) => entryOf(line));
      }),
    );
  }

  /** False: something in it can not be read, and it is to be made again. */
  isSound(): Promise<boolean> {
    return this.#exclusive(() => isSound(this.folder, this.#options.searchPath));
  }

  /** Makes it again from what is known. @returns where the old one is now; null: there was none */
  rebuild(): Promise<string | null> {
    return this.#exclusive(() => this.#rebuild('asked'));
  }

  #git() {
    return gitIn(this.folder, this.#options);
  }

  /** What fails is tried again where it was put in order, and with `insist` where all of it was made anew, even if nothing is seen to be wrong. */
  async #mending<T>(work: (folder: string) => Promise<T>, { insist = false } = {}): Promise<T> {
    const { folder, searchPath } = this.#options;
    try {
      await this.#prepare();
      try {
        await restoreSettings(folder);
        return await work(folder);
      } catch (error) {
        await sweepLocks(folder);
        if (!(await isSound(folder, searchPath))) await this.#rebuild('damaged');
        else if (!insist) throw error;
      }
      try {
        return await work(folder);
      } catch (error) {
        if (!insist) throw error;
        let result: T | undefined;
        await this.#rebuild('refused', async (made) => void (result = await work(made)));
        return result as T;
      }
    } catch (cause) {
      const said = cause instanceof Error ? cause.message.trim() : String(cause);
      throw new SeedError('unavailable', `the lineage in ${folder} can not be used: ${said.slice(0, 500)}`, {
        cause,
        hint: 'git has to be on the PATH of the node, and the folder has to be writable and on a disk with room',
      });
    }
  }

  #prepare(): Promise<void> {
    this.#ready ??= this.#open();
    return this.#ready.catch((error: unknown) => {
      this.#ready = null;
      throw error;
    });
  }

  async #open(): Promise<void> {
    const { folder, scratch, searchPath } = this.#options;
    // What a former life left checked out, or half made.
    for (const left of [scratch, `${folder}.new`]) await rm(left, { recursive: true, force: true });
    if (!existsSync(folder)) {
      await this.#rebuild('missing');
    } else if ((await putInOrder(folder)) && (await isSound(folder, searchPath))) {
      await this.#complete(folder);
      // Single files become packs from time to time. That is no reason to wait for it, nor to fail.
      await this.#git()
        .raw(['gc', '--auto', '--quiet'])
        .catch((error: unknown) => this.#options.onError?.(error));
    } else await this.#rebuild('damaged');
  }

  /**
   * Made beside the old one, which stays where it is if that does not work.
   * @param also what has to work in the new one, too
   */
  async #rebuild(
    reason: 'missing' | 'damaged' | 'refused' | 'asked',
    also: (made: string) => Promise<void> = async () => undefined,
  ): Promise<string | null> {
    const { folder, searchPath } = this.#options;
    const startedMs = performance.now();
    const made = `${folder}.new`;
    await rm(made, { recursive: true, force: true });
    let commits: number;
    try {
      await createRepository(made, searchPath);
      commits = await this.#complete(made);
      await also(made);
    } catch (error) {
      await rm(made, { recursive: true, force: true });
      throw error;
    }
    const aside = await setAside(folder, made, searchPath);
    // Killed before this line, the next start finds none and makes it again.
    await rename(made, folder);
    if (reason !== 'missing' || commits > 0)
      emit('seed_agent.lineage.rebuilt', { duration_us: Math.round((performance.now() - startedMs) * 1000), commits }, { reason });
    return aside;
  }

  /** Without an answer from those who know, the next start goes on with it. */
  async #complete(folder: string): Promise<number> {
    const { known, onError, searchPath } = this.#options;
    if (known === undefined) return 0;
    try {
      return await writeMissing(folder, searchPath, known());
    } catch (error) {
      onError?.(error);
      return 0;
    }
  }

  /** The commit it names; where that went with a damaged repository, the one that holds the same version. */
  async #parentOf(folder: string, { parent, note }: CandidateCommit): Promise<string | null> {
    if (parent === null) return null;
    const { searchPath } = this.#options;
    if (await hasCommit(folder, searchPath, parent)) return parent;
    return note.parent === undefined ? null : commitAt(folder, searchPath, `${ARTIFACT_REFS}${note.parent}`);
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
