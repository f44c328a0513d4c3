import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readFolder, readUpload, textFrom, UPLOAD_LIMITS } from './file-input.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seed-upload-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function put(path: string, content: string | Uint8Array = 'x'): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), content);
}

describe('readFolder', () => {
  test('text by path, without what is nobody’s business', async () => {
    await put('agent.ts', 'a');
    await put('evals/evaluation.ts', 'e');
    await put('.env', 'SECRET=1');
    await put('.git/config');
    await put('node_modules/x/index.js');
    expect(await readFolder(folder, '--from')).toEqual({ 'agent.ts': 'a', 'evals/evaluation.ts': 'e' });
  });

  test('a single file goes under its own name', async () => {
    await put('agent.ts', 'a');
    expect(await readFolder(join(folder, 'agent.ts'), '--from')).toEqual({ 'agent.ts': 'a' });
  });

  test('a link out of the folder is refused, one inside is followed', async () => {
    await put('in/a.ts', 'a');
    await symlink(join(folder, 'in/a.ts'), join(folder, 'in/b.ts'));
    await symlink(join(folder, 'in'), join(folder, 'in/loop'));
    expect(await readFolder(join(folder, 'in'), '--from')).toEqual({ 'a.ts': 'a', 'b.ts': 'a' });
    await symlink('/etc/hostname', join(folder, 'in/c.ts'));
    await expect(readFolder(join(folder, 'in'), '--from')).rejects.toThrow('is a link out of the folder');
  });

  test('sockets and pipes in it are not waited for', async () => {
    await put('agent.ts', 'a');
    const server = createServer().listen(join(folder, 'editor.sock'));
    await once(server, 'listening');
    execFileSync('/usr/bin/mkfifo', [join(folder, 'pipe.ts')]);
    expect(await readFolder(folder, '--from')).toEqual({ 'agent.ts': 'a' });
    server.close();
  });

  test('a device has no end, and is refused all the same', async () => {
    await expect(readFolder('/dev/zero', '--from')).rejects.toMatchObject({ code: 'payload_too_large' });
    await expect(textFrom('@/dev/zero', '--x', new PassThrough())).rejects.toMatchObject({ code: 'payload_too_large' });
  });

  test('a folder beside it with a longer name is outside too', async () => {
    await put('agent/a.ts');
    await put('agent-secret/s.ts');
    await symlink(join(folder, 'agent-secret/s.ts'), join(folder, 'agent/s.ts'));
    await expect(readFolder(join(folder, 'agent'), '--from')).rejects.toThrow('is a link out of the folder');
  });

  test.each([
    [
      'too many files',
      async () => Promise.all(Array.from({ length: UPLOAD_LIMITS.files + 1 }, (_, index) => put(`f${index}.ts`))),
      'payload_too_large',
    ],
    ['a file that is too large', () => put('a.ts', 'x'.repeat(UPLOAD_LIMITS.fileBytes + 1)), 'payload_too_large'],
    [
      'too much in all',
      async () => Promise.all(Array.from({ length: 5 }, (_, index) => put(`f${index}.ts`, 'x'.repeat(UPLOAD_LIMITS.fileBytes)))),
      'payload_too_large',
    ],
    ['nothing in it', () => put('.hidden'), 'bad_request'],
    ['bytes that are no text', () => put('a.bin', new Uint8Array([0xff, 0xfe, 0x00])), 'bad_request'],
    ['a link that leads nowhere', () => symlink('/nowhere', join(folder, 'x.ts')), 'bad_request'],
  ] as const)('%s', async (_, prepare, code) => {
    await prepare();
    await expect(readFolder(folder, '--from')).rejects.toMatchObject({ code });
  });

  test('what is not there', async () => {
    await expect(readFolder(join(folder, 'none'), '--from')).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining('does not exist') as unknown,
    });
  });
});

describe('textFrom', () => {
  const empty = (): PassThrough => new PassThrough();

  test('itself, a file, or standard input', async () => {
    await put('a.txt', 'content');
    expect(await textFrom('plain', '--x', empty())).toBe('plain');
    expect(await textFrom('@', '--x', empty())).toBe('@');
    expect(await textFrom('@@home', '--x', empty())).toBe('@home');
    expect(await textFrom(`@${join(folder, 'a.txt')}`, '--x', empty())).toBe('content');
    const stdin = empty();
    stdin.end('piped');
    expect(await textFrom('-', '--x', stdin)).toBe('piped');
  });

  test('standard input that is a terminal is not waited for', async () => {
    await expect(textFrom('-', '--x', Object.assign(empty(), { isTTY: true }))).rejects.toMatchObject({ code: 'bad_request' });
  });

  test('a folder is no file', async () => {
    await expect(readUpload(folder, '--x')).rejects.toThrow('is a folder');
  });
});
