// Files that are there whole or not at all, whatever happens while they are written: temporary file, fsync, rename, fsync of
// the folder. A crash leaves at most temporary files, which are swept at the next start. Only fsync waits for the disk: it alone goes
// to the pool of threads, where each step costs more than the step itself.
import { randomBytes } from 'node:crypto';
import { closeSync, fsync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SeedError } from '#lib/error.ts';

const sync = promisify(fsync);
const TEMPORARY = /^\.(?<pid>\d+)-(?<token>[0-9a-f]{8})-\d+\.tmp$/;
/** Of this process: after a restart the process id may be the same. */
const token = randomBytes(4).toString('hex');
let count = 0;

/**
 * Writes files of one folder and waits until they would survive a power cut. Each appears whole or not at all; a process that
 * is killed leaves those that were named first, a machine that loses power any of them.
 * @param mode of the files, default 0o644
 * @throws SeedError `storage_full` when the disk is full or read-only; nothing is left behind then but what was there
 */
export async function writeDurably(folder: string, files: Readonly<Record<string, string>>, mode = 0o644): Promise<void> {
  const drafts = Object.entries(files).map(([name, text]) => ({
    name,
    text,
    draft: join(folder, `.${process.pid}-${token}-${(count += 1)}.tmp`),
  }));
  try {
    // All are tried, so that none is still being written when the drafts are removed.
    const written = await Promise.allSettled(drafts.map(({ draft, text }) => writeDraft(draft, text, mode)));
    const failed = written.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    for (const { name, draft } of drafts) {
      replace(draft, join(folder, name));
    }
    await syncFolder(folder);
  } catch (error) {
    await Promise.all(drafts.map(({ draft }) => rm(draft, { force: true }).catch(() => undefined)));
    throw storageError(error, folder);
  }
}

/** A folder in the place of a file of ours is nobody's, and goes. */
function replace(draft: string, path: string): void {
  try {
    renameSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EISDIR') throw error;
    rmSync(path, { recursive: true });
    renameSync(draft, path);
  }
}

/** Makes the folder, and those above it, if they are missing. @throws SeedError `storage_full` */
export async function makeFolder(folder: string, mode = 0o755): Promise<void> {
  try {
    const first = await mkdir(folder, { recursive: true, mode });
    if (first !== undefined) await syncFolder(dirname(first));
  } catch (error) {
    throw storageError(error, folder);
  }
}

/** Larger than what a version of an agent takes: a disk that takes this takes the next one. */
const PROBE_BYTES = 256 * 1024;

/** Whether files can be written there now; nothing of it stays. @throws SeedError `storage_full` */
export async function probeFolder(folder: string): Promise<void> {
  const draft = join(folder, `.${process.pid}-${token}-${(count += 1)}.tmp`);
  try {
    await writeFile(draft, Buffer.alloc(PROBE_BYTES), { flag: 'wx' });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT' ? missingFolder(error, folder) : storageError(error, folder);
  } finally {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

function missingFolder(error: unknown, folder: string): SeedError {
  return new SeedError('storage_full', `${folder} is not there`, {
    cause: error,
    hint: 'mount it again; it is made and filled when it is needed',
  });
}

/** The files' texts in order, at once; null for one that is not there. */
export function readTexts(paths: readonly string[]): (string | null)[] {
  return paths.map(readText);
}

/** Something else is in its place, or the disk does not give it back. */
const UNREADABLE: ReadonlySet<string> = new Set(['EISDIR', 'ENOTDIR', 'ELOOP', 'EIO', 'EACCES', 'EPERM']);

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    // Nothing that we write is empty: it counts as damaged, and is put back.
    if (UNREADABLE.has(code)) return '';
    throw error;
  }
}

/** Removes what writers that are gone have left. @returns how many */
export async function sweepDrafts(folder: string): Promise<number> {
  const drafts = (await readdir(folder)).filter((name) => {
    const { pid, token: writer } = TEMPORARY.exec(name)?.groups ?? {};
    return pid !== undefined && writer !== token && !(Number(pid) !== process.pid && isAlive(Number(pid)));
  });
  await Promise.all(drafts.map((name) => rm(join(folder, name), { force: true })));
  return drafts.length;
}

async function syncFolder(folder: string): Promise<void> {
  const fd = openSync(folder, 'r');
  try {
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

/** What the disk said, as an error of ours. */
function storageError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new SeedError('storage_full', `the disk of ${path} is full`, { cause: error, hint: 'free space there, or run seed code:gc' });
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new SeedError('storage_full', `${path} can not be written`, {
      cause: error,
      hint: 'mount it writable for the user of this process',
    });
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return new SeedError('storage_full', `${path} is not a folder`, { cause: error, hint: 'remove what is in its place' });
  }
  return error;
}

async function writeDraft(path: string, text: string, mode: number): Promise<void> {
  const fd = openSync(path, 'wx', mode);
  try {
    writeFileSync(fd, text);
    await sync(fd);
  } finally {
    closeSync(fd);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
