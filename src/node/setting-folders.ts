// The folders that settings name, looked at before anything starts: one that can not be used is a wrong setting, and a
// restart would not mend it. A disk that is full is none.
import { constants } from 'node:fs';
import { access, mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config.ts';
import { SeedError } from '#lib/error.ts';

type FolderSetting = 'DATA_DIR' | 'CODE_ROOT' | 'AGENTS_DIR';

const UNUSABLE = new Set(['EACCES', 'EEXIST', 'ELOOP', 'EINVAL', 'ENAMETOOLONG', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS']);

/** Made if it is not there, for this user alone: keys and tokens live in it. @throws SeedError `configuration` */
export async function makeDataFolder(path: string): Promise<{ created: boolean }> {
  return usable('DATA_DIR', path, async () => {
    const created = await makeFolder(path);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return { created };
  });
}

/** @throws SeedError `configuration` */
export async function checkFolders(config: Config): Promise<void> {
  // A store that is full or read-only is still served from.
  await usable('CODE_ROOT', config.code.root, async () => {
    await makeFolder(config.code.root);
    await access(config.code.root, constants.R_OK | constants.X_OK);
  });
  const isNamed = config.settings.some(({ name, origin }) => name === 'AGENTS_DIR' && origin !== 'default');
  await usable('AGENTS_DIR', config.agents.dir, async () => {
    const found = await stat(config.agents.dir).catch((error: NodeJS.ErrnoException) => {
      // Who has no agents of his own needs no folder for them; who names one means it.
      if (error.code === 'ENOENT' && !isNamed) return null;
      throw error;
    });
    if (found === null) return;
    if (!found.isDirectory()) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
    await access(config.agents.dir, constants.R_OK | constants.X_OK);
  });
}

/** One part after the other: where nothing can be made (/proc), `mkdir` with `recursive` never comes back. @returns whether it was made */
async function makeFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (found?.isDirectory() === true) return false;
  if (found !== null) throw Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
  if (dirname(path) !== path) await makeFolder(dirname(path));
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else was first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
  return true;
}

const EXPECTED: Readonly<Record<FolderSetting, string>> = {
  DATA_DIR: 'a folder that this user can write to',
  CODE_ROOT: 'a folder that this user can use',
  AGENTS_DIR: 'a folder that is there and can be read',
};

async function usable<T>(name: FolderSetting, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (!UNUSABLE.has(code)) throw cause;
    throw new SeedError('configuration', `${name}=${path.slice(0, 200)} must be ${EXPECTED[name]} (${code})`, {
      cause,
      hint: `set ${name} to another folder`,
    });
  }
}
