// The admin token: made at the first start, readable by the node's user alone, and whoever can read it is the administrator.
import { chmod, link, open, readFile, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { SeedError } from '#lib/error.ts';
import { newSecret } from './secret.ts';

export const ADMIN_TOKEN_FILE = 'admin.token';

export interface AdminToken {
  token: string;
  path: string;
  /** It was not there before. */
  created: boolean;
}

/**
 * Appears whole or not at all, and never replaces one that is there.
 * @throws SeedError `configuration` when the file holds something else than a token
 */
export async function loadAdminToken(dataDir: string): Promise<AdminToken> {
  const path = join(dataDir, ADMIN_TOKEN_FILE);
  const existing = await readToken(path);
  if (existing !== undefined) return { token: existing, path, created: false };
  const token = newSecret();
  const draft = `${path}.${process.pid}.${newSecret().slice(0, 8)}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${token}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // Unlike a rename, a link fails when the name is taken: two first starts agree on one token.
    await link(draft, path);
    return { token, path, created: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const first = await readToken(path);
    if (first === undefined) throw error;
    return { token: first, path, created: false };
  } finally {
    await unlink(draft);
  }
}

async function readToken(path: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const token = text.trim();
  // A person may have put one of their own there.
  if (!/^[\x21-\x7e]{32,256}$/.test(token)) {
    throw new SeedError('configuration', `${path} does not hold a token of 32 to 256 characters`, {
      hint: 'delete the file: the node makes a new one',
    });
  }
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  return token;
}
