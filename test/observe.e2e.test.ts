// The live view in a real terminal (util-linux's script makes one): what it shows, what its keys do, and how it leaves.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { spawnProcess, runCommand, type ChildHandle } from '#lib/process.ts';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

const SEED = new URL('../bin/seed', import.meta.url).pathname;
const LEFT = '\u001B[?25h\u001B[?1049l';
let seed: SeedProcess;
beforeAll(async () => {
  seed = await startSeed();
});
afterAll(() => seed[Symbol.asyncDispose]());

interface Terminal extends AsyncDisposable {
  child: ChildHandle;
  type: (keys: string) => void;
  /** Everything since the start. */
  text: () => string;
  shows: (what: string | RegExp) => Promise<string>;
}

function open(env: Readonly<Record<string, string>> = {}): Terminal {
  const child = spawnProcess('/usr/bin/script', ['--quiet', '--return', '--command', `${SEED} system:observe --every 200ms`, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', DATA_DIR: seed.dataDir, TERM: 'xterm', ...env },
    cwd: seed.dataDir,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.pipe(1).on('data', (chunk: Buffer) => (text += chunk.toString()));
  return {
    child,
    type: (keys) => void child.pipe(0).write(keys),
    text: () => text,
    shows: (what) =>
      until(
        () => text,
        (now) => (typeof what === 'string' ? now.includes(what) : what.test(now)),
      ),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

const pidOf = async (path: string): Promise<number | null> => {
  const { body } = await seed.api<{ data: { tree: { path: string; pid: number | null; status: string }[] } }>('GET', '/api/system/status');
  return body.data.tree.find((row) => row.path === path && row.status === 'running')?.pid ?? null;
};

test.runIf(existsSync('/usr/bin/script'))(
  'shows the tree, restarts the child that is chosen when it is told twice, and leaves in order',
  async () => {
    await using terminal = open();
    await terminal.shows('serving-1');
    for (const words of ['CHILD', 'HOSTS', 'CALLS', 'packer', 'q quit']) expect(terminal.text()).toContain(words);
    const path = 'root/node/sandbox/serving-1';
    const before = await pidOf(path);
    // Down, one after the other, until it is the one.
    const wanted = `restart ${path}? y or n`;
    const isAsked = async (): Promise<boolean> => {
      const seen = terminal.text().length;
      terminal.type('\u001B[Br');
      await until(
        () => terminal.text().slice(seen),
        (text) => text.includes('? y or n'),
      );
      return terminal.text().includes(wanted);
    };
    while (!(await isAsked())) {
      const seen = terminal.text().length;
      terminal.type('n');
      await until(
        () => terminal.text().slice(seen),
        (text) => text.includes('left as it is'),
      );
    }
    expect(await pidOf(path)).toBe(before);
    terminal.type('y');
    await terminal.shows(`${path}: restarted`);
    expect(await pidOf(path)).not.toBe(before);
    terminal.type('q');
    expect(await terminal.child.exited).toEqual({ code: 0, signal: null });
    expect(terminal.text().trimEnd().endsWith(LEFT)).toBe(true);
  },
);

test.runIf(existsSync('/usr/bin/script'))('Ctrl-C leaves too, and NO_COLOR has none', async () => {
  await using terminal = open({ NO_COLOR: '1' });
  await terminal.shows('serving-1');
  terminal.type('\u0003');
  expect((await terminal.child.exited).code).toBe(0);
  expect(terminal.text().trimEnd().endsWith(LEFT)).toBe(true);
  for (const colour of [1, 2, 7, 31, 33]) expect(terminal.text()).not.toContain(`\u001B[${colour}m`);
});

test('without a terminal it says what to use instead', async () => {
  const env = { PATH: process.env['PATH'] ?? '', DATA_DIR: seed.dataDir };
  const { code, stdout, stderr } = await runCommand(SEED, ['system:observe'], { env, cwd: seed.dataDir, timeoutMs: 60_000 });
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('seed system:status');
});

test.each([
  ['root/node/database', 422],
  ['root/node/sandbox', 422],
  ['root/node/sandbox/serving-9', 404],
  ['root/node/nothing/at-all', 404],
])('%s can not be restarted on its own: %i', async (child, status) => {
  const answer = await seed.api<{ hint?: string }>('POST', '/api/system/restart', { child }, { 'x-confirm': 'system:restart' });
  expect(answer.status).toBe(status);
  expect(answer.body.hint).toBeTruthy();
});
