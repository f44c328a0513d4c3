// npm run --silent clis: the two coding agents' programs at the versions that the tests are written for, in a cache folder outside
// node_modules (765 MB); prints that folder. `npm run test:clis` runs their tests.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';

const PACKAGES = { '@anthropic-ai/claude-code': '2.1.329', '@openai/codex': '0.169.0' };

/** Installs them unless they are there. @throws Error with npm's own words */
export function installClis(): string {
  const name = Object.values(PACKAGES).join('-');
  const home = process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache');
  const folder = path.join(isWritable(home) ? home : tmpdir(), 'seed-agent', `clis-${name}`);
  if (existsSync(folder)) return folder;
  mkdirSync(path.dirname(folder), { recursive: true });
  // Made beside it and renamed, so that a folder that is there is whole.
  const made = mkdtempSync(`${folder}.`);
  writeFileSync(path.join(made, 'package.json'), JSON.stringify({ private: true, dependencies: PACKAGES }));
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: made, encoding: 'utf8' });
  if (status !== 0) {
    rmSync(made, { recursive: true, force: true });
    throw new Error(`the coding agents could not be installed:\n${stdout}${stderr}`);
  }
  try {
    renameSync(made, folder);
  } catch {
    // Somebody else was quicker.
    rmSync(made, { recursive: true, force: true });
  }
  return folder;
}

function isWritable(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    rmSync(mkdtempSync(path.join(folder, 'seed-')), { recursive: true });
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === import.meta.filename) console.log(installClis());
