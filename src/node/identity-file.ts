// What a node keeps of itself in its data folder: its name, and where it can be reached while it runs.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uuidv7 } from '#lib/id.ts';

const ADDRESS_FILE = 'node.json';
const NAME_FILE = 'node.id';

/** For the command line, which looks here for the node of this data folder. */
export interface NodeAddress {
  url: string | null;
  socket: string | null;
  pid: number;
  root_pid: number;
  started_at: string;
  version: string;
  ready: boolean;
}

export async function writeAddress(dataDir: string, address: NodeAddress): Promise<void> {
  const path = join(dataDir, ADDRESS_FILE);
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(address, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

export async function removeAddress(dataDir: string): Promise<void> {
  await rm(join(dataDir, ADDRESS_FILE), { force: true });
}

/** The name that was given, or the one that was made at the first start. */
export async function nodeId(dataDir: string, given: string | null): Promise<string> {
  if (given !== null) return given;
  const path = join(dataDir, NAME_FILE);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const id = `node-${uuidv7().slice(-8)}`;
    await writeFile(path, `${id}\n`);
    return id;
  }
}
