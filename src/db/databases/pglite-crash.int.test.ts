import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Outbox } from '../outbox.ts';
import { readStream } from '../streams.ts';
import { testTemplate } from '../testing.ts';
import { openPglite } from './pglite.ts';

let root: string;
let template: string;
beforeAll(async () => {
  template = await testTemplate();
});
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'seed-crash-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
  rmSync(root, { recursive: true });
});

const onError = (error: unknown): never => {
  throw error;
};

const PROLOGUE = `
  import { openPglite } from ${JSON.stringify(path.join(import.meta.dirname, 'pglite.ts'))};
  import { Outbox } from ${JSON.stringify(path.join(import.meta.dirname, '../outbox.ts'))};
  import { aggregateStream } from ${JSON.stringify(path.join(import.meta.dirname, '../aggregates.ts'))};
  import { appendToStream, readStream } from ${JSON.stringify(path.join(import.meta.dirname, '../streams.ts'))};
  import { statfsSync, writeFileSync, rmSync } from 'node:fs';
  import { randomBytes } from 'node:crypto';
  const principal = { kind: 'node', id: 'child' };
  const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n');
  const append = (data) => appendToStream(database, 'crash', { events: [{ type: 'said', data }], expectedVersion: 'any', principal });
`;

/** Lines that a child process said, as JSON. */
function start(script: string, wrapper: readonly string[] = []): { child: ChildProcess; said: AsyncIterableIterator<string> } {
  const node = [process.execPath, '--input-type=module', '-e', PROLOGUE + script];
  const [command = process.execPath, ...args]: string[] = [...wrapper, ...node];
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: import.meta.dirname });
  children.push(child);
  return { child, said: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

async function next<T>(said: AsyncIterableIterator<string>): Promise<T> {
  const { value, done } = await said.next();
  if (done === true) throw new Error('the child process has ended');
  return JSON.parse(String(value)) as T;
}

describe('kill -9', () => {
  test('in the middle of appends loses none that was acknowledged, nor what was to be published', async () => {
    const folder = path.join(root, 'database');
    let acknowledged = 0;
    for (const kills of [40, 150]) {
      const { child, said } = start(`
        const database = await openPglite({ folder: ${JSON.stringify(folder)}, template: ${JSON.stringify(template)}, minFreeBytes: 0, onError: (error) => { throw error; } });
        await Promise.all(Array.from({ length: 3 }, async () => { for (;;) say((await append('x'.repeat(500))).version); }));`);
      while (acknowledged < kills) acknowledged = Math.max(acknowledged, await next<number>(said));
      child.kill('SIGKILL');
      for await (const line of said) acknowledged = Math.max(acknowledged, Number(line));

      const database = await openPglite({ folder, minFreeBytes: 0, onError });
      const { version, events } = await readStream(database, 'crash');
      expect(version).toBeGreaterThanOrEqual(acknowledged);
      expect(events.map((event) => event.version)).toEqual(Array.from({ length: version }, (_, index) => index + 1));
      acknowledged = version;

      const published: (number | undefined)[] = [];
      const outbox = new Outbox({ database, onError, publish: ({ event }) => void published.push(event?.version) });
      await expect.poll(() => published.at(-1)).toBe(version);
      await outbox.close();
      const own = published.filter((each) => each !== undefined);
      expect(own).toEqual(Array.from({ length: own.length }, (_, index) => version - own.length + 1 + index));
      await database.close();
    }
  });

  test('while publishing publishes again what may not have arrived', async () => {
    const folder = path.join(root, 'database');
    const { child, said } = start(`
      const database = await openPglite({ folder: ${JSON.stringify(folder)}, template: ${JSON.stringify(template)}, minFreeBytes: 0, onError: (error) => { throw error; } });
      new Outbox({ database, onError: (error) => { throw error; }, publish: async ({ event }) => { say(event.data); if (event.data === 3) await new Promise(() => {}); } });
      for (const data of [1, 2, 3, 4]) await append(data);
      say('appended');
      setInterval(() => {}, 1000);`);
    const heard: unknown[] = [];
    while (!(heard.includes(3) && heard.includes('appended'))) heard.push(await next(said));
    child.kill('SIGKILL');
    await once(child, 'exit');

    const database = await openPglite({ folder, minFreeBytes: 0, onError });
    const published: unknown[] = [];
    // The dead process held the lease; without endFormerLife it runs out by itself.
    await database.db.updateTable('checkpoints').set({ lease_until: null }).execute();
    const outbox = new Outbox({ database, onError, publish: ({ event }) => void published.push(event?.data) });
    await expect.poll(() => published.at(-1)).toBe(4);
    expect(published.slice(-2)).toEqual([3, 4]);
    expect(new Set([...heard, ...published])).toEqual(new Set(['appended', 1, 2, 3, 4]));
    await outbox.close();
    await database.close();
  });
});

// A disk of its own that can be filled: a tmpfs in a mount namespace that goes with the process.
describe.runIf(process.platform === 'linux')('a full disk', () => {
  const onDisk = (sizeMb: number): string[] => [
    'unshare',
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    `mount -t tmpfs -o size=${sizeMb}m tmpfs ${root} && exec "$0" "$@"`,
  ];
  const FILL = `
    const free = () => { const { bavail, bsize } = statfsSync(${JSON.stringify('ROOT')}); return bavail * bsize; };
    const fill = (leaveBytes) => writeFileSync(ROOT + '/ballast', Buffer.alloc(Math.max(0, free() - leaveBytes)));
    const code = (work) => work.then(() => 'fine', (error) => error.code);`;
  const script = (body: string): string => `const ROOT = ${JSON.stringify(root)};${FILL.replace('"ROOT"', 'ROOT')}
    const errors = [];
    const open = (minFreeBytes) => openPglite({ folder: ROOT + '/database', template: ${JSON.stringify(template)}, minFreeBytes, onError: (error) => errors.push(error.message) });
    let database;
    ${body}`;

  test('is seen coming: writes are refused, what is stored stays readable, and all is well when there is room again', async () => {
    const { child, said } = start(
      script(`
        database = await open(64 * 2 ** 20);
        await append('before');
        fill(50 * 2 ** 20);
        let refused;
        do { refused = await code(append('during')); await new Promise((resolve) => setTimeout(resolve, 20)); } while (refused === 'fine');
        say(refused);
        say(await code(database.transaction((tx) => tx.deleteFrom('snapshots').execute())));
        const aggregate = { initialState: () => 0, evolve: (count) => count + 1, snapshots: { name: 'count', schemaVersion: 1, every: 1 } };
        say((await aggregateStream(database, 'crash', aggregate)).state > 0);
        say((await database.statement('SELECT count(*)::int AS n FROM events')).rows[0].n > 0);
        rmSync(ROOT + '/ballast');
        while (await code(append('after')) !== 'fine') await new Promise((resolve) => setTimeout(resolve, 20));
        say((await readStream(database, 'crash')).events.at(-1).data);
        await database.close();
        say(errors);`),
      onDisk(220),
    );
    expect([await next(said), await next(said), await next(said), await next(said), await next(said), await next(said)]).toEqual([
      'storage_full',
      'storage_full',
      true,
      true,
      'after',
      [],
    ]);
    await once(child, 'exit');
  });

  // Under the tables Postgres goes on; under its log it gives up, and can start again only when there is room.
  test.each([3, 9])('that comes suddenly, %i MB before the end, is told, and loses nothing that was acknowledged', async (leaveMb) => {
    const { child, said } = start(
      script(`
        database = await open(0);
        fill(${leaveMb} * 2 ** 20);
        let acknowledged = 0;
        let refused;
        for (;;) {
          refused = await code(append(randomBytes(20_000).toString('base64')));
          if (refused !== 'fine') break;
          acknowledged += 1;
        }
        say(refused);
        const read = await readStream(database, 'crash').then(({ version }) => version === acknowledged, (error) => error.code);
        say(database.state() === 'ready' ? read === true : read === 'storage_full');
        rmSync(ROOT + '/ballast');
        await database.close();
        database = await open(0);
        say((await readStream(database, 'crash')).version === acknowledged && acknowledged > 0);
        say(await code(append('again')));
        await database.close();`),
      onDisk(150),
    );
    expect([await next(said), await next(said), await next(said), await next(said)]).toEqual(['storage_full', true, true, 'fine']);
    await once(child, 'exit');
  });
});
