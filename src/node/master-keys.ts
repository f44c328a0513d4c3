// The keys that sealed columns are encrypted under, in a file of the node's own: made at the first start, 0600, and never in the database.
import { randomBytes } from 'node:crypto';
import { chmod, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { MasterKey } from '#db/sealing.ts';
import { makeFolder, writeDurably } from '#kernel/code-store/durable-file.ts';
import { sha256 } from '#lib/canonical-json.ts';
import { SeedError } from '#lib/error.ts';

const FILE = 'master-keys.json';
const KEY_BYTES = 32;

/** The first seals; the others open what they sealed. */
const keysSchema = z.array(z.strictObject({ keyId: z.string().min(1), key: z.base64().length(44) })).min(1);

/** @throws SeedError `configuration` when the file is not what it was, `storage_full` */
export async function loadMasterKeys(folder: string): Promise<MasterKey[]> {
  await makeFolder(folder, 0o700);
  const path = join(folder, FILE);
  const text = await readPrivate(path);
  if (text === null) {
    const key = randomBytes(KEY_BYTES);
    const keyId = keyIdOf(key);
    await writeDurably(folder, { [FILE]: `${JSON.stringify([{ keyId, key: key.toString('base64') }], null, 2)}\n` }, 0o600);
    return [{ keyId, key }];
  }
  try {
    const keys = keysSchema.parse(JSON.parse(text)).map(({ keyId, key }) => ({ keyId, key: Buffer.from(key, 'base64') }));
    if (keys.every(({ keyId, key }) => keyId === keyIdOf(key))) return keys;
  } catch (error) {
    throw damaged(path, error);
  }
  throw damaged(path);
}

async function readPrivate(path: string): Promise<string | null> {
  try {
    const { mode } = await stat(path);
    if ((mode & 0o077) !== 0) await chmod(path, 0o600);
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Says nothing about the key, and shows a line that was mistyped. */
function keyIdOf(key: Buffer): string {
  return sha256(Buffer.concat([Buffer.from('seed-agent master key\n'), key])).slice(0, 16);
}

function damaged(path: string, cause?: unknown): SeedError {
  return new SeedError('configuration', `${path} is not what was written`, {
    cause,
    hint: 'bring it back from a backup; without it calls that are parked can not go on',
  });
}
