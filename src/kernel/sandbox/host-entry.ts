// The process in which agents' code runs. It starts with an empty environment and Node's permission model, knows no secret,
// opens nothing, and ends when its parent's end of the pipe does. README.md says what it protects against and what not.
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import packageJson from 'isolated-vm/package.json' with { type: 'json' };
import { BlackBoxWriter } from './black-box.ts';
import { Host } from './host/host.ts';

/** Below it, values copied between isolates can corrupt the host's memory (GHSA-864f-rcv7-6rh4). */
const MIN_ISOLATED_VM = [7, 0, 1] as const;

/** No handler, no flush, nothing that a hung isolate could hold up: process.exit() waits for its threads. */
function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}

function refuse(why: string): never {
  process.stderr.write(`sandbox host: ${why}\n`);
  die();
}

process.on('uncaughtException', (error) => {
  process.stderr.write(`sandbox host: ${error.stack ?? error.message}\n`);
  die();
});

const version = packageJson.version.split('.').map(Number);
const difference = MIN_ISOLATED_VM.map((part, index) => (version[index] ?? 0) - part).find((part) => part !== 0) ?? 0;
if (difference < 0) refuse(`isolated-vm ${packageJson.version} is not safe to use, it must be at least ${MIN_ISOLATED_VM.join('.')}`);
// The parent may have gone before its death signal was set.
if (process.ppid !== Number(process.argv[2])) die();
if (!fstatSync(4).isFile()) refuse('file descriptor 4 must be the black box');

// All isolates show the same local time on every machine.
process.env['TZ'] = 'UTC';

new Host({ socket: new Socket({ fd: 3, readable: true, writable: true }), blackBox: new BlackBoxWriter(4), die }).run();
