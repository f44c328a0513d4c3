// Real processes as real other users: what is theirs for a run, what is not, and that nothing of a run stays.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from '../process.ts';
import { tryApart } from './apart.ts';
import { borrowedHome } from './codex-home.ts';
import { RunPlace, type Apart } from './run-place.ts';
import { mayChangeUser, RunUser } from './run-user.ts';

let root: string;
let apart: Apart;
let work: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seed-place-'));
  chmodSync(root, 0o711);
  work = join(root, 'agent');
  mkdirSync(join(work, 'lib'), { recursive: true });
  writeFileSync(join(work, 'agent.ts'), 'before');
  writeFileSync(join(work, 'lib', 'part.ts'), 'before');
  writeFileSync(join(root, 'keys'), 'the keys', { mode: 0o600 });
  apart = { program: '/bin/sh', folder: root };
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A program of a run, as a shell script. */
async function sh(place: RunPlace, script: string): Promise<string> {
  const user = place.user ?? undefined;
  const env = { PATH: '/usr/bin:/bin', ...place.home };
  const { stdout, stderr } = await runCommand('/bin/sh', ['-c', script], {
    env,
    cwd: place.cwd,
    timeoutMs: 30_000,
    ...(user === undefined ? {} : { user }),
  });
  return `${stdout}${stderr}`.trim();
}

const edit = () => RunPlace.open({ cwd: work, reach: { kind: 'edit', folder: work } }, apart);

describe.runIf(mayChangeUser())('as root (skipped for others)', () => {
  test('the work is its own for the run, and what is root’s is not', async () => {
    await using place = await edit();
    expect(await sh(place, `cat ${root}/keys`)).toContain('Permission denied');
    expect(await sh(place, `ls ${root}`)).toContain('Permission denied');
    expect(await sh(place, 'id -u; id -G')).toBe(`${place.user?.uid}\n${place.user?.gid}`);
    expect(
      await sh(
        place,
        'echo after > agent.ts; echo after > lib/part.ts; echo new > lib/new.ts; echo x > $HOME/x; echo x > $TMPDIR/x; cat agent.ts',
      ),
    ).toBe('after');
    expect(readFileSync(place.file('words.txt', 'for it alone'), 'utf8')).toBe('for it alone');
    expect(await sh(place, `cat ${place.file('more.txt', 'to read')}`)).toBe('to read');
  });

  test('when it is over nothing of it runs, not even what has left its group, and the work is out of its reach', async () => {
    const place = await edit();
    const { user } = place;
    const folders = [place.home?.HOME ?? '', join(place.home?.TMPDIR ?? '', '..')];
    const pid = Number(await sh(place, '(setsid sh -c "trap : TERM HUP; while :; do sleep 1; done" >/dev/null 2>&1 & echo $!)'));
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await place.end();
    expect(runs(pid)).toBe(false);
    expect(statSync(work)).toMatchObject({ uid: 0, mode: 0o40700 });
    const late = await runCommand('/bin/sh', ['-c', `cat ${work}/agent.ts`], {
      env: { PATH: '/bin' },
      cwd: '/',
      timeoutMs: 30_000,
      user: user ?? { uid: 1, gid: 1 },
    });
    expect(late.stderr).toContain('Permission denied');
    await place[Symbol.asyncDispose]();
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, false]);
  });

  test('what it leaves where anybody may is gone with it, and is nothing that the next one finds', async () => {
    const place = await edit();
    const left = `/tmp/seed-left-${place.user?.uid}`;
    await sh(place, `mkdir -p ${left}/deep; echo x > ${left}/deep/file; ln -s ${root}/keys ${left}/link`);
    expect(existsSync(`${left}/deep/file`)).toBe(true);
    await place[Symbol.asyncDispose]();
    expect([existsSync(left), existsSync(join(root, 'keys'))]).toEqual([false, true]);
  });

  test('two at once are two users, and do not see each other’s', async () => {
    await using one = await RunPlace.open({ cwd: root, reach: { kind: 'answer' } }, apart);
    await using other = await RunPlace.open({ cwd: root, reach: { kind: 'answer' } }, apart);
    expect(one.user?.uid).not.toBe(other.user?.uid);
    const path = one.file('words.txt', 'for one alone');
    expect(await sh(other, `cat ${path}`)).toContain('Permission denied');
    expect(await sh(other, `ls ${one.home?.HOME}`)).toContain('Permission denied');
  });

  test('no other process on the machine gets a user that is lent', async () => {
    await using one = await RunPlace.open({ cwd: root, reach: { kind: 'answer' } }, apart);
    const script = `const { RunUser } = await import(${JSON.stringify(join(import.meta.dirname, 'run-user.ts'))}); console.log((await RunUser.borrow()).uid);`;
    const { stdout } = await runCommand(process.execPath, ['--input-type=module', '-e', script], { env: {}, timeoutMs: 30_000 });
    expect(Number(stdout)).toBeGreaterThanOrEqual(65_520);
    expect(Number(stdout)).not.toBe(one.user?.uid);
  });

  test('whoever only answers is started where nothing lies', async () => {
    await using place = await RunPlace.open({ cwd: work, reach: { kind: 'answer' } }, apart);
    expect(await sh(place, 'ls -A')).toBe('');
    expect(statSync(work).uid).toBe(0);
  });

  test('as many as there are users, and no more', async () => {
    const users = { first: 65_510, count: 2 };
    await using one = await RunUser.borrow(users);
    await using other = await RunUser.borrow(users);
    expect([one?.uid, other?.uid]).toEqual([65_510, 65_511]);
    expect(await RunUser.borrow(users)).toBe(null);
  });

  test('a sign-in that was renewed is taken back, and nothing else under its name', async () => {
    const home = join(root, 'codex');
    mkdirSync(home);
    const signIn = join(home, 'auth.json');
    writeFileSync(signIn, '{"tokens":{"id":1}}', { mode: 0o600 });
    const attempt = async (script: string): Promise<string> => {
      await using place = await edit();
      const borrowed = borrowedHome(place, { home, withSignIn: true });
      expect(await sh(place, `cd ${borrowed.home}; cat auth.json; ${script}`)).toContain('tokens');
      await place.end();
      borrowed.giveBack();
      return readFileSync(signIn, 'utf8');
    };
    const renewed = '{"tokens":{"id":2}}';
    expect(await attempt(`echo '${renewed}' > auth.json`)).toBe(`${renewed}\n`);
    expect(statSync(signIn)).toMatchObject({ uid: 0, mode: 0o100600 });
    expect(await attempt('rm auth.json; ln -s /etc/passwd auth.json')).toBe(`${renewed}\n`);
    expect(await attempt('rm auth.json; mkfifo auth.json')).toBe(`${renewed}\n`);
    expect(await attempt('echo nonsense > auth.json')).toBe(`${renewed}\n`);
    expect(await attempt('rm auth.json')).toBe(`${renewed}\n`);
  });

  test('it is tried whether a program can be run so, and what is open all the same is said', async () => {
    const program = join(root, 'agent-program');
    writeFileSync(program, '#!/bin/sh\necho 1.0\n');
    chmodSync(program, 0o755);
    const closed = join(root, 'data');
    mkdirSync(closed, { mode: 0o700 });
    const tried = (given: Partial<Parameters<typeof tryApart>[0]> = {}) =>
      tryApart({ trial: { args: ['--version'] }, command: program, searchPath: '/usr/bin:/bin', folder: () => root, closed, ...given });
    expect(await tried()).toEqual({ apart: { program, folder: root }, why: null });
    expect(await tried({ command: 'agent-program', searchPath: `/root:${root}:/bin` })).toMatchObject({ apart: { program } });
    expect(await tried({ command: 'no-such-program' })).toMatchObject({ apart: null, isInstalled: false });
    chmodSync(closed, 0o755);
    expect(await tried()).toMatchObject({ apart: { program }, why: expect.stringContaining(`chmod 700 ${closed}`) });
    chmodSync(program, 0o700);
    expect(await tried()).toMatchObject({ apart: null, isInstalled: true, why: expect.stringContaining('by root alone') });
    writeFileSync(program, '#!/bin/sh\nexit 1\n');
    chmodSync(program, 0o755);
    expect(await tried()).toMatchObject({ apart: null, why: expect.stringContaining('does not work for another user') });
    chmodSync(root, 0o700);
    expect(await tried()).toMatchObject({ apart: null, why: expect.stringContaining('TMPDIR') });
  });
});

test('otherwise it is this process’s own user, in the folder that was given', async () => {
  const place = await RunPlace.open({ cwd: work, reach: { kind: 'edit', folder: work } }, null);
  expect([place.user, place.home, place.cwd]).toEqual([null, null, work]);
  const path = place.file('words.txt', 'short');
  symlinkSync(path, join(root, 'link'));
  await place[Symbol.asyncDispose]();
  expect([existsSync(path), existsSync(work)]).toEqual([false, true]);
});

function runs(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
