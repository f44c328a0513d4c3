import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serviceChild } from '#kernel/supervisor/service-child.ts';
import { Supervisor } from '#kernel/supervisor/supervisor.ts';
import { Telemetry } from '#telemetry/telemetry.ts';
import { loadConfig } from '../config.ts';
import { until } from '../../test/until.ts';
import { startDatabase } from './database-service.ts';
import { Parts, type Ground } from './parts.ts';

let dir: string;
let telemetry: Telemetry;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'seed-database-'));
  telemetry = new Telemetry({ version: '0', node: 'n', level: 'silent' });
});
afterEach(async () => {
  await telemetry.close();
  await rm(dir, { recursive: true });
});

/** What the database's service needs of a node. */
function partsOf(): Parts {
  const configSources = { env: { DATA_DIR: dir, LOG_LEVEL: 'silent' } };
  return new Parts({ config: loadConfig(configSources), configSources, telemetry } as unknown as Ground);
}

const lock = (): string => join(dir, 'database.lock');

/** No engine starts on such a folder. @returns what undoes it */
async function breakFolder(): Promise<() => Promise<void>> {
  const control = join(dir, 'database', 'global', 'pg_control');
  const whole = await readFile(control);
  await writeFile(control, 'x');
  return () => writeFile(control, whole);
}

test('a database that has failed for good gives its folder back, so that it can be started again', async () => {
  const parts = partsOf();
  await using node = new Supervisor({
    id: 'node',
    strategy: 'rest_for_one',
    intensity: 20,
    periodMs: 10_000,
    children: [{ id: 'database', start: serviceChild(() => startDatabase(parts)) }],
  });
  await node.start();
  const first = parts.get('database');
  const repair = await breakFolder();
  // The engine is ended for the statement, and the next one can not start.
  await expect(first.statement('SELECT pg_sleep(60)', { timeoutMs: 20 })).rejects.toThrow('was ended');
  await expect(first.info()).rejects.toMatchObject({ code: 'database_unavailable' });
  await first.failed;
  await repair();
  const second = await until(
    () => parts.get('database'),
    (database) => database !== first && database.state() === 'ready',
  );
  expect((await second.info()).engine).toBe('pglite');
  await node.stop();
  expect(existsSync(lock())).toBe(false);
});

test('a start that fails after the folder was opened gives it back', async () => {
  const parts = partsOf();
  // The settings can not be written there.
  await mkdir(join(dir, 'settings.json'));
  await expect(startDatabase(parts)).rejects.toThrow('EISDIR');
  expect(existsSync(lock())).toBe(false);
  await rm(join(dir, 'settings.json'), { recursive: true });
  const service = await startDatabase(parts);
  await service.close();
  expect((await readdir(dir)).includes('database.lock')).toBe(false);
});
