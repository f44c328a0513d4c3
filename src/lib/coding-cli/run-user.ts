// A user of its own for one run of a program: a number that nothing on this machine belongs to, so that the files and processes of the
// node, and those of other runs, are somebody else's.
import { readdirSync, readFileSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { ProcessUser } from '../process.ts';

/** Below `nobody`, and above what distributions and systemd give to accounts and services. */
const USERS = { first: 65_520, count: 14 };
/** What has been sent SIGKILL takes a moment to go, and what forks meanwhile is found in the next round. */
const ROUNDS = 200;
const PAUSE_MS = 5;
/** Where anybody may leave something, programs by names of their own. */
const OPEN_FOLDERS = ['/tmp', '/var/tmp', '/dev/shm'];

/** Whether this process may start others as somebody else: root on Linux. */
export function mayChangeUser(): boolean {
  return process.platform === 'linux' && process.geteuid?.() === 0;
}

export class RunUser implements ProcessUser, AsyncDisposable {
  readonly uid: number;
  /** The same number: a group that nobody else is in. */
  readonly gid: number;
  readonly #claim: Server;

  private constructor(id: number, claim: Server) {
    this.uid = id;
    this.gid = id;
    this.#claim = claim;
  }

  /** One that no node on this machine has lent, and that has no process and no account; null: all of them are in use. */
  static async borrow({ first, count } = USERS): Promise<RunUser | null> {
    for (let id = first; id < first + count; id += 1) {
      const held = await claim(id);
      if (held === null) continue;
      const user = new RunUser(id, held);
      if ([...accounts(), ...processes().map(({ uid }) => uid)].includes(id)) {
        held.close();
        continue;
      }
      await user.#removeFiles();
      return user;
    }
    return null;
  }

  /** SIGKILL to all that still runs as this user, also what has left its parent and its group. @returns false: something stays */
  async endAll(): Promise<boolean> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const left = processes().filter(({ uid }) => uid === this.uid);
      if (left.length === 0) return true;
      for (const { pid } of left) end(pid);
      await setTimeout(PAUSE_MS);
    }
    return false;
  }

  /** Nothing is left of it, for whoever has this number next; where something still runs, nobody has it while it does. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.endAll();
    await this.#removeFiles();
    this.#claim.close();
  }

  /** However many there are, nobody else waits for it. */
  async #removeFiles(): Promise<void> {
    for (const folder of new Set([...OPEN_FOLDERS, tmpdir()])) {
      for (const name of await readdir(folder).catch(() => [])) {
        const path = join(folder, name);
        const found = await lstat(path).catch(() => null);
        if (found?.uid === this.uid) await rm(path, { recursive: true, force: true });
      }
    }
  }
}

/** A name that the kernel gives to one process of the machine, and takes from it when it ends; null: another one has it. */
function claim(id: number): Promise<Server | null> {
  const server = createServer().unref();
  return new Promise((resolve) => {
    server.once('error', () => resolve(null));
    server.listen(`\0seed-agent-run-user-${id}`, () => resolve(server));
  });
}

interface RunningProcess {
  pid: number;
  /** The real one: a program with set-user-ID has another effective one. */
  uid: number;
}

/** Zombies do not run. */
function processes(): RunningProcess[] {
  return names('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    const status = read(`/proc/${name}/status`);
    const uid = /^Uid:\s+(\d+)/m.exec(status)?.[1];
    return uid === undefined || /^State:\s+[ZX]/m.test(status) ? [] : [{ pid: Number(name), uid: Number(uid) }];
  });
}

function accounts(): number[] {
  return read('/etc/passwd')
    .split('\n')
    .map((line) => Number(line.split(':')[2]));
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty for what is not there, or went away meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
