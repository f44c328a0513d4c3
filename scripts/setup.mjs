// Makes node_modules match package-lock.json, one installer at a time.
// Plain JavaScript for Node 20: it runs before anything is installed.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

export const modules = path.join(root, 'node_modules');

const POLL_MS = 100;
const lockfile = path.join(root, 'package-lock.json');
const marker = path.join(modules, '.seed-setup');
/** Outside node_modules, because `npm ci` empties that folder. */
const installLock = path.join(root, '.seed-setup.lock');

/** A reason to stop that is the user's to mend: printed without a stack. */
export class SetupError extends Error {
  constructor(message, exitCode) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Installs what the lockfile says where node_modules differs; otherwise silent and quick (one stat, one small read).
 * @throws SetupError with npm's own output
 */
export async function setUp() {
  // Without a lockfile this is somebody's dependency: its installation is theirs.
  if (isMarked() || !fs.existsSync(lockfile)) return;
  if (!fs.existsSync(installLock) && adopt()) return;
  const release = await acquireInstallLock();
  try {
    // Somebody else may have installed while this process waited.
    if (!isMarked() && !adopt()) await install();
  } finally {
    release();
  }
}

/** The bundled Node is linked against glibc; musl has another loader. */
export function isMusl() {
  return fs.existsSync(`/lib/ld-musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`);
}

function fingerprint() {
  const { mtimeMs, size } = fs.statSync(lockfile);
  return `${mtimeMs} ${size} ${process.platform}-${process.arch}\n`;
}

function isMarked() {
  try {
    return fs.readFileSync(marker, 'utf8') === fingerprint();
  } catch {
    return false;
  }
}

function writeMarker() {
  // bin/seed takes the marker as leave to use the bundled Node.
  if (isMusl()) return;
  try {
    fs.writeFileSync(marker, fingerprint());
  } catch (error) {
    // Only a short cut: on a read-only file system every start compares in full.
    if (!['EROFS', 'EACCES', 'EPERM'].includes(error.code)) throw error;
  }
}

/** Whether node_modules, however it came to be, holds what the lockfile says; if so, marks it. */
function adopt() {
  let wanted;
  let installed;
  try {
    wanted = JSON.parse(fs.readFileSync(lockfile, 'utf8')).packages;
    installed = JSON.parse(fs.readFileSync(path.join(modules, '.package-lock.json'), 'utf8')).packages;
  } catch {
    return false;
  }
  const production = process.env.NODE_ENV === 'production';
  for (const [where, entry] of Object.entries(wanted)) {
    if (where === '') continue;
    const found = installed[where];
    if (found === undefined) {
      if (entry.optional || entry.devOptional || entry.peer || (entry.dev && production)) continue;
      return false;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) return false;
    if (!fs.existsSync(path.join(root, where, 'package.json'))) return false;
  }
  if (Object.keys(installed).some((where) => wanted[where] === undefined)) return false;
  writeMarker();
  return true;
}

async function install() {
  process.stderr.write('Setting up: npm ci (once, and again when package-lock.json changes) ...\n');
  const startedAtMs = performance.now();
  const { code, signal, output } = await runNpm(['ci', '--no-audit', '--no-fund', '--no-progress', '--loglevel=error']);
  if (signal !== null) throw new SetupError(`npm ci was ended by ${signal}`, 128 + os.constants.signals[signal]);
  if (code !== 0) {
    throw new SetupError(
      `${output.trimEnd()}\n\nnpm ci failed (exit ${code}) in ${root}. Mend what npm says and run the same command again.`,
      1,
    );
  }
  writeMarker();
  process.stderr.write(`Set up in ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s.\n`);
}

function runNpm(args) {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  const viaNpm = npm !== undefined && node !== undefined && /npm-cli\.c?js$/.test(npm) && fs.existsSync(npm) && fs.existsSync(node);
  const [file, fileArgs] = viaNpm ? [node, [npm, ...args]] : ['npm', args];
  // Without our own .bin: npm must not run on the Node that it is about to replace.
  const outside = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => path.resolve(folder) !== path.join(modules, '.bin'));
  return new Promise((resolve, reject) => {
    const child = spawn(file, fileArgs, {
      cwd: root,
      env: { ...process.env, PATH: outside.join(path.delimiter) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // npm outlives this process if this one is killed: others must wait for either.
    if (child.pid !== undefined) writeHolders([process.pid, child.pid]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
    const stop = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, stop);
    child.on('error', (error) => {
      const missing = error.code === 'ENOENT';
      reject(
        new SetupError(
          missing ? 'npm was not found on the PATH; install it with Node (https://nodejs.org)' : String(error),
          missing ? 78 : 1,
        ),
      );
    });
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, stop);
      resolve({ code, signal, output });
    });
  });
}

/** Waits until this process is the only one that installs here; returns what gives the lock back. */
async function acquireInstallLock() {
  let told = false;
  while (!tryInstallLock()) {
    const holders = readHolders();
    if (holders === null) continue;
    const living = holders.split('\n').find(isAlive);
    if (living === undefined) {
      takeAway(holders);
      continue;
    }
    if (!told) process.stderr.write(`Waiting for another installation (process ${living.split(' ')[0]}) ...\n`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const release = () => fs.rmSync(installLock, { force: true });
  process.once('exit', release);
  return () => {
    process.off('exit', release);
    release();
  };
}

function tryInstallLock() {
  const draft = writeDraft([process.pid]);
  try {
    // A link appears whole or not at all: nobody reads a half-written lock.
    fs.linkSync(draft, installLock);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new SetupError(`cannot write ${installLock}: ${error.message}`, 78);
  } finally {
    fs.rmSync(draft);
  }
}

function writeHolders(pids) {
  fs.renameSync(writeDraft(pids), installLock);
}

function writeDraft(pids) {
  const draft = `${installLock}.${process.pid}`;
  try {
    fs.writeFileSync(draft, pids.map((pid) => `${pid} ${startTime(pid)}`).join('\n'));
  } catch (error) {
    throw new SetupError(`cannot write ${draft}: ${error.message}`, 78);
  }
  return draft;
}

function readHolders() {
  try {
    return fs.readFileSync(installLock, 'utf8');
  } catch {
    return null;
  }
}

/** Removes the lock of processes that are gone, and only that one: the name may be a living process's by now. */
function takeAway(holders) {
  const aside = `${installLock}.gone.${process.pid}`;
  try {
    fs.renameSync(installLock, aside);
  } catch {
    return;
  }
  try {
    if (fs.readFileSync(aside, 'utf8') !== holders) fs.linkSync(aside, installLock);
  } catch (error) {
    // Somebody has taken the name meanwhile and has it now.
    if (error.code !== 'EEXIST') throw error;
  } finally {
    fs.rmSync(aside, { force: true });
  }
}

function isAlive(holder) {
  const [pid, started] = holder.split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if (error.code !== 'EPERM') return false;
  }
  return started === startTime(Number(pid));
}

/** Process ids repeat; with the start time (clock ticks since boot) they do not. 0 where there is no /proc. */
function startTime(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return '0';
  }
}
