// Whether a program can be run as somebody else on this machine: found out by doing it, not by looking at rights.
import { findProgram, runCommand } from '../process.ts';
import { toSeedError } from '../error.ts';
import { RunPlace, type Apart } from './run-place.ts';

/** `why`, for people: what keeps it, or what is within reach all the same. */
export type Apartness = { apart: Apart; why: string | null } | NotApart;

export interface NotApart {
  apart: null;
  isInstalled: boolean;
  /** Who could run it as somebody else. */
  isRoot: boolean;
  why: string;
}

/** How a program shows that it works. */
export interface Trial {
  args: readonly string[];
  /** What it needs before the search path. Default: nothing. */
  path?: (place: RunPlace) => string;
}

export interface ApartnessOptions {
  trial: Trial;
  /** A path, or a name that is looked up in `searchPath`. */
  command: string;
  searchPath: string;
  /** Where folders of runs are made; asked for when there is a program to try. */
  folder: () => string;
  /** A folder that is nobody else's business. */
  closed: string;
}

const TIMEOUT_MS = 20_000;
const UNREACHABLE = 3;
const FAILED = 4;
const NO_FOLDER = 5;
const TRY = `closed=$2
[ -w "$HOME" ] && [ -w "$TMPDIR" ] || exit ${NO_FOLDER}
program=$(command -v "$1") && [ -x "$program" ] || exit ${UNREACHABLE}
shift 2
"$program" "$@" >/dev/null 2>&1 || exit ${FAILED}
if [ -r "$closed" ] || [ -x "$closed" ]; then echo open; else echo closed; fi
echo "$program"`;

/** For root. */
export async function tryApart({ trial, command, searchPath, closed, ...its }: ApartnessOptions): Promise<Apartness> {
  let program: string;
  try {
    program = findProgram(command, { PATH: searchPath });
  } catch {
    return { apart: null, isInstalled: false, isRoot: true, why: 'it is not installed' };
  }
  const folder = its.folder();
  const not = (why: string): NotApart => ({ apart: null, isInstalled: true, isRoot: true, why });
  try {
    await using place = await RunPlace.open({ cwd: folder, reach: { kind: 'answer' } }, { program, folder });
    const { code, stdout } = await runCommand('/bin/sh', ['-c', TRY, 'sh', command, closed, ...trial.args], {
      env: { ...place.home, PATH: trial.path === undefined ? searchPath : `${trial.path(place)}:${searchPath}` },
      cwd: place.cwd,
      ...(place.user === null ? {} : { user: place.user }),
      timeoutMs: TIMEOUT_MS,
    });
    if (code === UNREACHABLE)
      return not(`${program} can be reached by root alone: install it where other users get at it, as in /usr/local`);
    if (code === NO_FOLDER) return not(`${folder} can be reached by root alone: set TMPDIR to a folder for everybody, as /tmp is`);
    if (code !== 0) return not(`${program} does not work for another user`);
    const [open, found = program] = stdout.trim().split('\n');
    const within = open === 'open' ? `other users get into ${closed}: chmod 700 ${closed}` : null;
    return { apart: { program: found, folder }, why: within };
  } catch (error) {
    // Root without the right to be somebody else, as in some containers.
    return not(toSeedError(error).message);
  }
}
