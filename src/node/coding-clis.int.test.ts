// The folder outside of the data folder that a node which is root has its coding agents' programs run in.
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mayChangeUser } from '#lib/coding-cli/run-user.ts';
import { loadConfig, type Config } from '../config.ts';
import { CodingClis } from './coding-clis.ts';

let root: string;
let config: Config;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seed-coding-clis-'));
  config = loadConfig({ env: { DATA_DIR: join(root, 'data'), PATH: '/usr/bin:/bin' }, cwd: root });
});
afterEach(() => rmSync(root, { recursive: true }));

describe.runIf(mayChangeUser())('as root (skipped for others)', () => {
  test('everybody may pass through it, nobody may look around, and it goes with the node', () => {
    const clis = new CodingClis(config);
    const folder = dirname(clis.scratch);
    expect(statSync(folder)).toMatchObject({ uid: 0, mode: 0o40711 });
    expect(clis.scratch).toBe(join(folder, 'scratch'));
    clis.close();
    expect(existsSync(folder)).toBe(false);
  });

  test('what a killed life left goes when the next one works, not when a node that is refused begins to start', () => {
    const killed = new CodingClis(config);
    const left = join(dirname(killed.scratch), 'run-left');
    mkdirSync(left);
    writeFileSync(join(left, 'words.txt'), 'x');
    // It does not own the data folder yet.
    const next = new CodingClis(config);
    expect(existsSync(left)).toBe(true);
    expect(dirname(next.scratch)).not.toBe(dirname(killed.scratch));
    expect(existsSync(left)).toBe(false);
    next.close();
  });

  test('a program that is not there is said to be none', async () => {
    const clis = new CodingClis(config);
    expect(await clis.apartness('codex')).toMatchObject({ apart: null, isInstalled: false });
    clis.close();
  });
});
