// One owner of a database folder: PGlite itself lets a second process open it, and the two then lose each other's rows
// without an error. A lock file beside the folder names the owner; it is taken over only from a process that is gone.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { SeedError } from '#lib/error.ts';
import { identifyProcess, isSameProcessAlive } from '#lib/process-identity.ts';

/** Start time and boot are null where the system does not tell them (macOS): then the pid alone decides. */
interface Owner {
  pid: number;
  startTicks: number | null;
  bootId: string | null;
}

export interface FolderLock {
  readonly file: string;
  /** The former owner did not give the folder back: it was killed. */
  readonly takenOver: boolean;
  /** Idempotent. */
  release(): void;
}

/** @throws SeedError `configuration` naming the pid while another process owns the folder; a restart would not help */
export function lockFolder(folder: string): FolderLock {
  const file = `${folder}.lock`;
  const identity = identifyProcess(process.pid);
  const self: Owner = identity ?? { pid: process.pid, startTicks: null, bootId: null };
  const mine = writeOwn(`${file}.${process.pid}`, self);
  let takenOver = false;
  try {
    if (!tryLink(mine, file)) {
      takeOver(folder, file, mine);
      takenOver = true;
    }
  } finally {
    rmSync(mine, { force: true });
  }
  let held = true;
  return {
    file,
    takenOver,
    release: () => {
      if (held) rmSync(file, { force: true });
      held = false;
    },
  };
}

/**
 * Replace a dead owner's lock. Who may do so is decided by a second file named after that owner; under it the lock is read again,
 * so of several that start at the same moment exactly one wins.
 */
function takeOver(folder: string, file: string, mine: string): void {
  const former = readOwner(file);
  if (former === undefined) return retryOrRefuse(folder, file, mine);
  if (isRunning(former)) throw refusal(folder, former);
  const guard = `${file}.${former.pid}-${former.startTicks ?? 0}.takeover`;
  if (!tryLink(mine, guard)) {
    const rival = readOwner(guard);
    if (rival !== undefined && isRunning(rival)) throw refusal(folder, rival);
    rmSync(guard, { force: true });
    if (!tryLink(mine, guard)) throw refusal(folder, readOwner(guard) ?? former);
  }
  try {
    const present = readOwner(file);
    if (present !== undefined && isRunning(present)) throw refusal(folder, present);
    const replacement = writeOwn(`${mine}.new`, JSON.parse(readFileSync(mine, 'utf8')) as Owner);
    renameSync(replacement, file);
  } finally {
    rmSync(guard, { force: true });
  }
}

/** The lock went away between the two looks: its owner has just closed. */
function retryOrRefuse(folder: string, file: string, mine: string): void {
  if (tryLink(mine, file)) return;
  const owner = readOwner(file);
  throw owner === undefined
    ? new SeedError('configuration', `the lock ${file} can not be read`, { hint: 'remove it if no node runs on this folder' })
    : refusal(folder, owner);
}

function refusal(folder: string, owner: Owner): SeedError {
  const self = owner.pid === process.pid ? 'this process' : `process ${owner.pid}`;
  return new SeedError('configuration', `the database folder ${folder} is in use by ${self}`, {
    details: { folder, pid: owner.pid },
    hint: `stop process ${owner.pid}, or start this node with another DATA_DIR`,
  });
}

function isRunning(owner: Owner): boolean {
  const { pid, startTicks, bootId } = owner;
  if (startTicks !== null && bootId !== null) return isSameProcessAlive({ pid, startTicks, bootId });
  if (pid === process.pid) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function writeOwn(file: string, owner: Owner): string {
  writeFileSync(file, JSON.stringify(owner), { mode: 0o600, flush: true });
  return file;
}

/** Create `to` with the full content at once, or not at all: a file made with O_EXCL would be empty for a moment. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readOwner(file: string): Owner | undefined {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(content) as Owner;
  } catch (error) {
    throw new SeedError('configuration', `the lock ${file} is not readable`, {
      cause: error,
      hint: 'remove it if no node runs on this folder',
    });
  }
}
