// The file of --output: written beside its place, and given its name when it is whole.
import { randomUUID } from 'node:crypto';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { SeedError } from '#lib/error.ts';
import type { Sink } from './sink.ts';

/** Mode 0644. @throws SeedError `bad_request` when it can not be written, `storage_full` */
export async function openFile(path: string): Promise<Sink> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  let file: FileHandle | undefined = await open(temporary, 'wx', 0o644).catch((cause: unknown) => refuse(path, cause));
  const end = async (finish: (handle: FileHandle) => Promise<void>): Promise<void> => {
    if (file === undefined) return;
    const handle = file;
    file = undefined;
    await finish(handle);
  };
  return {
    stream: undefined,
    write: async (text) => {
      await file?.appendFile(text).catch((cause: unknown) => refuse(path, cause));
    },
    commit: () =>
      end(async (handle) => {
        await handle.sync();
        await handle.close();
        await rename(temporary, path).catch(async (cause: unknown) => {
          await rm(temporary, { force: true });
          refuse(path, cause);
        });
      }),
    [Symbol.asyncDispose]: () =>
      end(async (handle) => {
        await handle.close();
        await rm(temporary, { force: true });
      }),
  };
}

function refuse(path: string, cause: unknown): never {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC') throw new SeedError('storage_full', `--output ${path}: the disk is full`, { cause });
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'its folder does not exist',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
  };
  throw new SeedError('bad_request', `--output ${path} can not be written: ${reasons[code ?? ''] ?? String(code)}`, {
    cause,
    hint: 'give the path of a file in a folder that exists',
  });
}
