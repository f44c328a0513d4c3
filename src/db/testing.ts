// A migrated database in memory for tests, quickly: made once per set of migrations, kept as a file, loaded in a third of a second.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
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
  const template = pathFor(readMigrations().map(({ checksum }) => checksum)) + '.tar';
  if (!existsSync(template)) await makeTemplate(template);
  return template;
}

/**
 * A folder with a database as initdb leaves it, without migrations, to be copied: a first start without it takes three seconds of a
 * processor. Each test file that finds none makes one; the first rename wins.
 */
export async function emptyDatabaseFolder(): Promise<string> {
  const template = pathFor([]);
  if (existsSync(template)) return template;
  removeOld();
  const own = `${template}-${process.pid}`;
  const database = await openPglite({ folder: own, onError: rethrow });
  await database.close();
  try {
    await rename(own, template);
  } catch (error) {
    if (!existsSync(template)) throw error;
    await rm(own, { recursive: true, force: true });
  }
  return template;
}

/** Of what is made with this engine and these migrations, without an ending. */
function pathFor(checksums: readonly string[]): string {
  const { dependencies } = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return path.join(os.tmpdir(), PREFIX + sha256(canonicalJson([dependencies['@electric-sql/pglite'], checksums])).slice(0, 16));
}

function removeOld(): void {
  for (const name of readdirSync(os.tmpdir()).filter((file) => file.startsWith(PREFIX))) {
    const old = path.join(os.tmpdir(), name);
    if (Date.now() - (statSync(old, { throwIfNoEntry: false })?.mtimeMs ?? 0) > OLD_MS) rmSync(old, { recursive: true, force: true });
  }
}

/** Several test files may do this at the same time: each writes a file of its own, and the last rename wins. */
async function makeTemplate(template: string): Promise<void> {
  removeOld();
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
