// A migrated database in memory for tests, quickly: made once per set of migrations, kept as a file, loaded in a third of a second.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import type { Database } from './database.ts';
import { openPglite } from './databases/pglite.ts';
import { migrate, readMigrations } from './migrations.ts';

const PREFIX = 'seed-agent-test-database-';
/** Templates of other sets of migrations go after an hour. */
const OLD_MS = 3_600_000;

/**
 * For `beforeAll` or one test; close it afterwards.
 * @param onError default: whatever goes wrong in the background is thrown, and fails the run
 */
export async function testDatabase({ onError = rethrow }: { onError?: (error: unknown) => void } = {}): Promise<Database> {
  return openPglite({ folder: null, template: await testTemplate(), onError });
}

/** A dump of an empty, migrated database, for `openPglite`: a new folder is made from it in a fraction of the time. */
export async function testTemplate(): Promise<string> {
  const migrations = readMigrations();
  const { dependencies } = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const key = sha256(canonicalJson([dependencies['@electric-sql/pglite'], migrations.map(({ checksum }) => checksum)])).slice(0, 16);
  const template = path.join(os.tmpdir(), `${PREFIX}${key}.tar`);
  if (!existsSync(template)) await makeTemplate(template);
  return template;
}

/** Several test files may do this at the same time: each writes a file of its own, and the last rename wins. */
async function makeTemplate(template: string): Promise<void> {
  for (const name of readdirSync(os.tmpdir()).filter((file) => file.startsWith(PREFIX))) {
    const old = path.join(os.tmpdir(), name);
    if (Date.now() - (statSync(old, { throwIfNoEntry: false })?.mtimeMs ?? 0) > OLD_MS) rmSync(old, { force: true });
  }
  const database = await openPglite({ folder: null, onError: rethrow });
  await migrate(database);
  await database.dump(template);
  await database.close();
}

function rethrow(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
