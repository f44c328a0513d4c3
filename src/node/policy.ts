// The operator's policy, read once: a change has effect at the next start.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPolicy, type Policy } from '#kernel/runtime/capabilities/policy.ts';
import { readPolicy } from '#kernel/runtime/capabilities/policy-file.ts';
import { SeedError } from '#lib/error.ts';
import { readSecret, type Config } from '../config.ts';

/** @throws SeedError `configuration` */
export async function loadPolicy(config: Config): Promise<Policy> {
  const file = config.policy.file ?? join(config.data.dir, 'policy.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // Who names a file means it.
    if (code === 'ENOENT' && config.policy.file === null) return defaultPolicy();
    throw new SeedError('configuration', `POLICY_FILE=${file} can not be read (${code})`, { cause });
  }
  return readPolicy(text, { file, secret: (name) => readSecret(name) });
}
