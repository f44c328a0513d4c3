// Runs a script of ours under the pinned Node as if it were this process: same terminal, same signals, same end.
// Plain JavaScript for Node 20.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isMusl, modules, root, setUp, SetupError } from './setup.mjs';

const REQUIRED_MAJOR = 24;
/** npm passes a Ctrl-C on as well, so one key press arrives more than once. */
const REPEAT_MS = 300;

/** Sets up, then runs `script` (relative to the project) with `args`; this process ends as the script ends. */
export async function launch(script, args) {
  let node;
  try {
    await setUp();
    node = findNode();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(error.exitCode);
  }
  const child = spawn(node, [path.resolve(root, script), ...args], { stdio: 'inherit', env: childEnvironment() });
  const lastAtMs = new Map();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const nowMs = performance.now();
      const repeated = nowMs - (lastAtMs.get(signal) ?? -Infinity) < REPEAT_MS;
      lastAtMs.set(signal, nowMs);
      if (!repeated && !reachedChild(signal)) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`cannot start ${node}: ${error.message}\n`);
    process.exit(78);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    // End the same way, so that whoever started this sees the signal.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    setInterval(() => {}, 1000);
  });
}

/** The pinned Node where it is installed, else the running one if it is new enough. */
function findNode() {
  const bundled = path.join(modules, `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (fs.existsSync(bundled) && !isMusl()) return bundled;
  if (Number(process.versions.node.split('.')[0]) >= REQUIRED_MAJOR) return process.execPath;
  throw new SetupError(
    `Seed Agent needs Node ${REQUIRED_MAJOR} or newer; this is Node ${process.versions.node} on ${process.platform} ${process.arch}.\n` +
      `A pinned Node is installed on Linux with glibc (x64, arm64), unless optional packages are left out: there is none here.\n` +
      `Install Node ${REQUIRED_MAJOR} (https://nodejs.org/en/download), put it first on the PATH and run the same command again.`,
    78,
  );
}

/** Our own programs first on the PATH; compiled code kept between starts. */
function childEnvironment() {
  return {
    ...process.env,
    PATH: [path.join(modules, '.bin'), ...(process.env.PATH ?? '').split(path.delimiter)].join(path.delimiter),
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(modules, '.cache', 'compile'),
  };
}

/**
 * A terminal sends Ctrl-C and hang-up to its whole foreground group, and the child is in that group: passing them on
 * would make two of one. So they are passed on only when this process is not in the foreground of a terminal.
 * Who wants to signal just this process in a terminal's foreground uses SIGTERM, which is always passed on.
 */
function reachedChild(signal) {
  if (signal === 'SIGTERM') return false;
  try {
    const stat = fs.readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , terminal, foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return terminal !== '0' && group === foreground;
  } catch {
    return process.stdin.isTTY === true;
  }
}
