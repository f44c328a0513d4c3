// The agents of AGENTS_DIR: what their authors wrote becomes a version when it is not one yet.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { NAME_PATTERN } from '#lib/name.ts';

const MAX_FILES = 200;
const MAX_FILE_BYTES = 1_048_576;

/** Folders with a contract.ts, by name. A folder that does not exist has none. */
export async function readAgentFolders(dir: string): Promise<Map<string, SourceFiles>> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const names = entries.filter((entry) => entry.isDirectory() && NAME_PATTERN.test(entry.name)).map((entry) => entry.name);
  const folders = await Promise.all(names.map(async (name) => [name, await readFolder(join(dir, name))] as const));
  return new Map(folders.filter(([, files]) => files['contract.ts'] !== undefined));
}

/** Source files and README.md; tests stay where they are. */
async function readFolder(folder: string): Promise<SourceFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => (path.endsWith('.ts') || path === 'README.md') && !path.endsWith('.test.ts'))
    .toSorted()
    .slice(0, MAX_FILES);
  const files = await Promise.all(
    paths.map(async (path) => {
      const { size } = await stat(join(folder, path));
      return size > MAX_FILE_BYTES ? null : ([path, await readFile(join(folder, path), 'utf8')] as const);
    }),
  );
  return Object.fromEntries(files.filter((file) => file !== null));
}
