import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { identifyProcess } from '#lib/process-identity.ts';
import { lockFolder } from './folder-lock.ts';

let root: string;
let folder: string;
let file: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(path.join(os.tmpdir(), 'seed-lock-'));
  folder = path.join(root, 'database');
  file = `${folder}.lock`;
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

/** A process that takes the lock and holds it; its output tells how that went. */
async function locker(): Promise<{ child: ChildProcess; answer: { ok?: boolean; code?: string; message?: string; pid?: number } }> {
  const script = `
    import { lockFolder } from ${JSON.stringify(path.join(import.meta.dirname, 'folder-lock.ts'))};
    try { lockFolder(${JSON.stringify(folder)}); console.log(JSON.stringify({ ok: true })); setInterval(() => {}, 1000); }
    catch (error) { console.log(JSON.stringify({ code: error.code, message: error.message, pid: error.details?.pid })); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: import.meta.dirname,
  });
  children.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, answer: JSON.parse(line.toString()) as { ok?: boolean } };
}

function refusedFor(pid: number | undefined) {
  return expect.objectContaining({ code: 'configuration', exitCode: 78, details: { folder, pid } });
}

describe('the lock of a folder', () => {
  test('names its owner and goes when it is released', () => {
    const lock = lockFolder(folder);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(identifyProcess(process.pid));
    expect(lock.takenOver).toBe(false);
    expect(() => lockFolder(folder)).toThrow(refusedFor(process.pid));
    lock.release();
    lock.release();
    expect(readdirSync(root)).toEqual([]);
    lockFolder(folder).release();
  });

  test('is refused while another process lives, naming it, and taken over when it was killed', async () => {
    const { child, answer } = await locker();
    expect(answer).toEqual({ ok: true });
    expect(() => lockFolder(folder)).toThrow(refusedFor(child.pid));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const lock = lockFolder(folder);
    expect(lock.takenOver).toBe(true);
    expect(readdirSync(root)).toEqual(['database.lock']);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid: process.pid });
    lock.release();
  });

  const self = identifyProcess(process.pid);
  test.runIf(self !== null).each([
    ['another start time', { startTicks: 1 }],
    ['another boot', { bootId: 'another' }],
  ])('with our own pid but %s is of a process that is gone', (_, other) => {
    writeFileSync(file, JSON.stringify({ ...self, ...other }));
    const lock = lockFolder(folder);
    expect(lock.takenOver).toBe(true);
    lock.release();
  });

  test('that nobody can read is not guessed at', () => {
    writeFileSync(file, '');
    expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'configuration', message: expect.stringContaining(file) }));
    expect(existsSync(file)).toBe(true);
  });

  test('of a dead owner goes to one of several that start together', async () => {
    writeFileSync(file, JSON.stringify({ pid: 1, startTicks: 1, bootId: 'long ago' }));
    const answers = await Promise.all(Array.from({ length: 4 }, locker));
    const owners = answers.filter(({ answer }) => answer.ok === true);
    expect(owners).toHaveLength(1);
    const pid = owners[0]?.child.pid;
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ pid });
    for (const { answer } of answers) if (answer.ok !== true) expect(answer).toMatchObject({ code: 'configuration', pid });
    expect(readdirSync(root)).toEqual(['database.lock']);
  });

  test('that somebody who died was about to take over goes to the next', () => {
    const dead = JSON.stringify({ pid: 1, startTicks: 1, bootId: 'long ago' });
    writeFileSync(file, dead);
    writeFileSync(`${file}.1-1.takeover`, dead);
    const lock = lockFolder(folder);
    expect(lock.takenOver).toBe(true);
    expect(readdirSync(root)).toEqual(['database.lock']);
    lock.release();
  });
});
