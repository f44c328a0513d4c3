// git as the lineage uses it: nobody's configuration, no hooks, no prompts, and commits that are the same whenever they are made again.
import { simpleGit, type SimpleGit } from 'simple-git';

/** Whose work a commit is, and when it was done. */
export interface Authorship {
  name: string;
  /** ms since the epoch */
  atMs: number;
}

const GIT_TIMEOUT_MS = 30_000;
const QUIET = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  HOME: '/nonexistent',
  LC_ALL: 'C',
};

/**
 * @param folder the repository, or the part of it that belongs to one worktree: never looked for from within a worktree, where
 *   whoever works in it could have put another one, with commands in its configuration
 * @param workTree its files, and where the index is if not in `folder`
 */
export function gitIn(
  folder: string,
  options: { searchPath: string; author?: Authorship; workTree?: { folder: string; index?: string } },
): SimpleGit {
  const { searchPath, author, workTree } = options;
  const env = {
    ...QUIET,
    PATH: searchPath,
    ...(author === undefined ? {} : authorship(author)),
    GIT_DIR: folder,
    ...(workTree === undefined ? {} : { GIT_WORK_TREE: workTree.folder }),
    ...(workTree?.index === undefined ? {} : { GIT_INDEX_FILE: workTree.index }),
  };
  return simpleGit({
    baseDir: workTree?.folder ?? folder,
    timeout: { block: GIT_TIMEOUT_MS },
    // Two commands of one repository at once would be in each other's way.
    maxConcurrentProcesses: 1,
    allowEnvironment: Object.keys(env),
    unsafe: { allowUnsafeConfigPaths: true },
  }).env(env);
}

function authorship({ name, atMs }: Authorship): Record<string, string> {
  const date = `@${Math.floor(atMs / 1000)} +0000`;
  const email = `${name.replaceAll(/[^\w.-]+/g, '-')}@seed-agent.invalid`;
  return {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: 'seed-agent',
    GIT_COMMITTER_EMAIL: 'seed-agent@seed-agent.invalid',
    GIT_COMMITTER_DATE: date,
  };
}
