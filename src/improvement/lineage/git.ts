// git as the lineage uses it: nobody's configuration, no hooks, no prompts.
import { GitPluginError, simpleGit, type SimpleGit } from 'simple-git';

const GIT_TIMEOUT_MS = 30_000;
const QUIET = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  // What is shown is what was written down, whatever somebody would have in its place.
  GIT_NO_REPLACE_OBJECTS: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_TERMINAL_PROMPT: '0',
  HOME: '/nonexistent',
  LC_ALL: 'C',
};

export interface GitOptions {
  searchPath: string;
  /** For the standard input of every command. */
  input?: Buffer;
}

/**
 * Every command that ends with another code than 0 is an error. One that says nothing takes 50 ms longer: it is waited for.
 * @param folder the repository: never looked for from within a worktree, where whoever works in it could have put another one, with
 *   commands in its configuration
 */
export function gitIn(folder: string, { searchPath, input }: GitOptions): SimpleGit {
  const env = { ...QUIET, PATH: searchPath, GIT_DIR: folder };
  return simpleGit({
    baseDir: folder,
    timeout: { block: GIT_TIMEOUT_MS },
    // By itself it stops reading 50 ms after the end, which on a busy machine is too early.
    completion: { onClose: true, onExit: false },
    // Two commands of one repository at once would be in each other's way.
    maxConcurrentProcesses: 1,
    allowEnvironment: Object.keys(env),
    // Said with every command: the repository's own configuration may have been written by somebody else since we wrote it.
    config: ['core.hooksPath=/dev/null', 'core.fsmonitor=false'],
    unsafe: { allowUnsafeConfigPaths: true, allowUnsafeHooksPath: true, allowUnsafeFsMonitor: true },
    // By itself it takes a failure for one only when something was said on stderr.
    errors: (error, { exitCode, stdOut, stdErr }) =>
      error ?? (exitCode === 0 ? undefined : Buffer.concat([...stdErr, Buffer.from('\n'), ...stdOut])),
    ...(input === undefined ? {} : { input: () => input }),
  }).env(env);
}

/** It was ended because it took too long: nothing follows from it about the repository. */
export function wasTooSlow(error: unknown): boolean {
  return error instanceof GitPluginError && error.plugin === 'timeout';
}
