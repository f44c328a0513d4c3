// The agents of AGENTS_DIR: what their authors wrote becomes a version when it is not one yet.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { checkName } from '#lib/name.ts';
import { SeedError } from '#lib/error.ts';

const MAX_FILES = 200;
const MAX_FILE_BYTES = 1_048_576;

/** A folder that is no agent as it stands, and why. */
export interface RefusedFolder {
  name: string;
  error: unknown;
}

export interface AgentFolders {
  folders: ReadonlyMap<string, SourceFiles>;
  refused: readonly RefusedFolder[];
}

/** Folders with a contract.ts, by name; others are nobody's business. A folder that does not exist has none. */
export async function readAgentFolders(dir: string): Promise<AgentFolders> {
  const entries = await readdir(dir, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const folders = new Map<string, SourceFiles>();
  const refused: RefusedFolder[] = [];
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map((entry) => entry.name);
  await Promise.all(
    names.map(async (name) => {
      try {
        const paths = await sourcesBelow(join(dir, name));
        if (paths.includes('contract.ts')) folders.set(checkName(name, 'the folder'), await readSources(join(dir, name), paths));
      } catch (error) {
        refused.push({ name, error });
      }
    }),
  );
  return { folders, refused };
}

/** Source files, README.md and what evals/README.md says of the evaluation; tests stay where they are. */
async function sourcesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => (path.endsWith('.ts') || path === 'README.md' || path === 'evals/README.md') && !path.endsWith('.test.ts'))
    .toSorted();
}

/** @throws SeedError `payload_too_large` */
async function readSources(folder: string, paths: readonly string[]): Promise<SourceFiles> {
  if (paths.length > MAX_FILES) {
    throw new SeedError('payload_too_large', `it has ${paths.length} source files, at most ${MAX_FILES} are taken`);
  }
  const files = await Promise.all(
    paths.map(async (path) => {
      const { size } = await stat(join(folder, path));
      if (size > MAX_FILE_BYTES) {
        throw new SeedError('payload_too_large', `${path} has ${size} bytes, at most ${MAX_FILE_BYTES} are taken`);
      }
      return [path, await readFile(join(folder, path), 'utf8')] as const;
    }),
  );
  return Object.fromEntries(files);
}
