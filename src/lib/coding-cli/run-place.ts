// Where one run of a program takes place: who it runs as, where it is started, and files that are its own.
import { chmodSync, lchownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, statfsSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeedError } from '../error.ts';
import type { ProcessUser } from '../process.ts';
import type { CliRequest } from './coding-cli.ts';
import { RunUser } from './run-user.ts';

/** A program that can be run as somebody else. */
export interface Apart {
  /** Its path, as that user reaches it. */
  program: string;
  /** Where folders of runs are made: everybody may pass through it, and nobody else may write there. */
  folder: string;
}

/** What lies there is in memory (tmpfs). */
const MEMORY = { folder: '/dev/shm', type: 0x0102_1994 };
/** A home has some megabytes; others use it too. */
const ROOM_BYTES = 128 * 1024 * 1024;

type PlaceRequest = Pick<CliRequest, 'cwd' | 'reach'>;

export class RunPlace implements AsyncDisposable {
  /** The folder that it is started in. */
  readonly cwd: string;
  /** HOME and TMPDIR of its own, empty; null: it runs as this process does, and its settings say where its home is. */
  readonly home: Readonly<Record<'HOME' | 'TMPDIR', string>> | null;
  readonly #folder: string;
  readonly #user: RunUser | null;
  /** Handed over for the run. */
  readonly #work: string | null;

  private constructor(place: { cwd: string; home: RunPlace['home']; folder: string; user: RunUser | null; work: string | null }) {
    this.cwd = place.cwd;
    this.home = place.home;
    this.#folder = place.folder;
    this.#user = place.user;
    this.#work = place.work;
  }

  /** @param apart null: as this process. @throws SeedError `queue_full` when nobody is left to run as */
  static async open(request: PlaceRequest, apart: Apart | null): Promise<RunPlace> {
    if (apart === null) {
      const folder = mkdtempSync(join(tmpdir(), 'seed-run-'));
      return new RunPlace({ cwd: request.cwd, home: null, folder, user: null, work: null });
    }
    const user = await RunUser.borrow();
    if (user === null) {
      throw new SeedError('queue_full', 'too many coding agents run at once on this machine: there is no user left for another one', {
        hint: 'try again when one has ended, or set CHAT_CONCURRENCY to less',
      });
    }
    const folder = mkdtempSync(join(apart.folder, 'run-'));
    // An empty home has its databases made first, and each step of it would wait for the disk.
    const home = mkdtempSync(join(roomInMemory() ?? folder, 'seed-home-'));
    try {
      const [temporary, empty] = ['tmp', 'work'].map((name) => join(folder, name)) as [string, string];
      for (const made of [temporary, empty]) mkdirSync(made, { mode: 0o700 });
      handOver(home, user);
      handOver(folder, user);
      const work = request.reach.kind === 'edit' ? request.reach.folder : null;
      if (work !== null) handOver(work, user);
      // Whoever only answers is started where nothing lies.
      const cwd = work === null ? empty : request.cwd;
      return new RunPlace({ cwd, home: { HOME: home, TMPDIR: temporary }, folder, user, work });
    } catch (error) {
      for (const made of [home, folder]) await rm(made, { recursive: true, force: true });
      await user[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Null: as this process. */
  get user(): ProcessUser | null {
    return this.#user === null ? null : { uid: this.#user.uid, gid: this.#user.gid };
  }

  /** A file for this run alone: what is too long for a command line, or is to be seen by nobody in a list of processes. @returns its path */
  file(name: string, content: string | Buffer, { folder = this.#folder, mode = 0o600 } = {}): string {
    const path = join(folder, name);
    writeFileSync(path, content, { mode });
    if (this.#user !== null) lchownSync(path, this.#user.uid, this.#user.gid);
    return path;
  }

  /** Nothing of the run goes on, and its user reaches its work no more. @throws SeedError `internal` when something can not be ended */
  async end(): Promise<void> {
    if (this.#user === null) return;
    const isOver = await this.#user.endAll();
    if (this.#work !== null) takeBack(this.#work);
    if (!isOver) throw new SeedError('internal', `processes of user ${this.#user.uid}, who ran a coding agent, do not end`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#user?.[Symbol.asyncDispose]();
    for (const made of [this.home?.HOME ?? this.#folder, this.#folder]) await rm(made, { recursive: true, force: true });
  }
}

function roomInMemory(): string | null {
  try {
    const { type, bavail, bsize } = statfsSync(MEMORY.folder);
    return type === MEMORY.type && bavail * bsize >= ROOM_BYTES ? MEMORY.folder : null;
  } catch {
    return null;
  }
}

/** Made by this process a moment ago: nobody else can have put anything there. */
function handOver(path: string, user: ProcessUser): void {
  lchownSync(path, user.uid, user.gid);
  if (!lstatSync(path).isDirectory()) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path)) handOver(join(path, name), user);
}

/** What lies in it may still be that user's: there is no way to it any more. */
function takeBack(folder: string): void {
  lchownSync(folder, process.getuid?.() ?? 0, process.getgid?.() ?? 0);
  chmodSync(folder, 0o700);
}
