// The one place that starts other programs: never through a shell, with the environment said in full.
// Long-lived children come from node:child_process (execa costs 60 ms to import), commands that run to their end from execa.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { delimiter, join, resolve } from 'node:path';

import { SeedError } from './error.ts';

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/** `inherit` passes this process's own environment on; otherwise the child sees these variables and nothing else. */
export type ChildEnv = Readonly<Record<string, string>> | 'inherit';

/** `pipe` is a socket: one way on 0, 1 and 2, both ways from 3 on. A number is a file descriptor of this process, which the child inherits. */
export type ChildStdio = 'ignore' | 'inherit' | 'pipe' | number;

export interface SpawnProcessOptions {
  env: ChildEnv;
  /** Default: this process's own. */
  cwd?: string;
  /** By file descriptor, from 0. Default: `['ignore', 'pipe', 'pipe']`. */
  stdio?: readonly ChildStdio[];
  /** Leader of a process group (and session) of its own, so that SIGKILL reaches what it starts too. Default true. */
  processGroup?: boolean;
  /** SIGKILL from the kernel when this process is gone, even in a native loop; without effect where `parentDeathSignal()` is false. Default true. */
  dieWithParent?: boolean;
}

/** How a process ended: one of the two is null. */
export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A running process. Its disposal is SIGKILL to the group. */
export interface ChildHandle extends AsyncDisposable {
  readonly pid: number;
  /** By file descriptor; null where it is no pipe. Their errors need no listener: the end shows as `close` and as `exited`. */
  readonly stdio: readonly (Socket | null)[];
  /** The pipe on this descriptor. @throws Error when it was not asked for. */
  pipe(fd: number): Socket;
  /** Never rejects. Output that is still in the pipes can be read after it. */
  readonly exited: Promise<ProcessExit>;
  /** SIGKILL to the whole group, if it has its own; another signal to the process alone, whose children are its own affair. False when it is gone. */
  kill(signal: NodeJS.Signals): boolean;
}

/**
 * `command` is a path (relative to this process's own folder) or a name looked up in the PATH of `env`.
 * @throws SeedError `unavailable` when the program can not be started.
 */
export function spawnProcess(command: string, args: readonly string[], options: SpawnProcessOptions): ChildHandle {
  const { env, cwd, stdio = ['ignore', 'pipe', 'pipe'], processGroup = true, dieWithParent = true } = options;
  const [file, ...rest] = commandLine(command, args, { env, dieWithParent });
  const child = spawn(file, rest, {
    ...(env === 'inherit' ? {} : { env: { ...env } }),
    cwd,
    detached: processGroup,
    shell: false,
    stdio: [...stdio],
  });
  // A failed start is told by an event too, after the throw below; without a listener it would end this process.
  child.on('error', () => {});
  if (child.pid === undefined) {
    throw new SeedError('unavailable', `${command} could not be started`, {
      hint: 'check its working folder and the limits on processes and open files (ulimit -u, ulimit -n)',
    });
  }
  return new SpawnedProcess(child, { pid: child.pid, processGroup });
}

/** Whether children die with this process whatever they do (`setpriv --pdeathsig`, util-linux ≥ 2.33). Asked once. */
export function parentDeathSignal(): boolean {
  return deathSignalLauncher().length > 0;
}

/** Whom a command runs as, by numbers: without any other group, and without a way to gain rights where `setpriv` is installed. */
export interface ProcessUser {
  uid: number;
  gid: number;
}

export interface RunCommandOptions {
  env: ChildEnv;
  cwd?: string;
  /** For root alone to say. Default: this process's own user. */
  user?: ProcessUser;
  /** Text for its standard input, which is empty otherwise. */
  input?: string;
  /** SIGTERM after this long, SIGKILL two seconds later. */
  timeoutMs: number;
  /** Of each of stdout and stderr; what is more is cut off. Default 8 MiB. */
  maxOutputBytes?: number;
  signal?: AbortSignal;
}

export interface CommandResult extends ProcessExit {
  stdout: string;
  stderr: string;
  timedOut: boolean;
  /** stdout or stderr was longer than `maxOutputBytes`. */
  truncated: boolean;
}

/** Runs a command to its end. An exit code that is not 0 is a result, not an error. @throws SeedError `unavailable` when it can not be started. */
export async function runCommand(command: string, args: readonly string[], options: RunCommandOptions): Promise<CommandResult> {
  const { env, cwd, user, input, timeoutMs, maxOutputBytes = 8 * 1024 * 1024, signal } = options;
  const [file, ...rest] = commandLine(command, args, { env, dieWithParent: true, user });
  const { execa } = await import('execa');
  const result = await execa(file, rest, {
    ...(env === 'inherit' ? {} : { env: { ...env }, extendEnv: false }),
    ...(cwd === undefined ? {} : { cwd }),
    ...user,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    encoding: 'utf8',
    forceKillAfterDelay: 2000,
    killDescendants: true,
    maxBuffer: maxOutputBytes,
    reject: false,
    shell: false,
    stripFinalNewline: false,
    timeout: timeoutMs,
  });
  const { exitCode: code = null, signal: endedBy = null, stdout, stderr, timedOut, isMaxBuffer: truncated } = result;
  if (code === null && endedBy === null && !truncated && !timedOut && !result.isCanceled) {
    throw new SeedError('unavailable', `${command} could not be started`, { cause: result });
  }
  return { code, signal: endedBy, stdout, stderr, timedOut, truncated };
}

export interface StreamCommandOptions extends RunCommandOptions {
  /** Characters; a longer line ends the command. */
  maxLineLength: number;
}

export interface StreamEnd extends ProcessExit {
  stderr: string;
  timedOut: boolean;
  /** By `signal`, or by `stop`. */
  stopped: boolean;
}

export interface StreamedCommand {
  /** Of its standard output, as they come; read once. */
  lines: AsyncIterable<string>;
  /** Never rejects. */
  ended: Promise<StreamEnd>;
  /** SIGTERM, and SIGKILL two seconds later, to it and to everything it has started. Nothing when it has ended. */
  stop: () => void;
}

/** Runs a command and gives its lines while it runs. @throws SeedError `unavailable` when it can not be started. */
export async function streamCommand(command: string, args: readonly string[], options: StreamCommandOptions): Promise<StreamedCommand> {
  const { env, cwd, user, input = '', timeoutMs, maxOutputBytes = 1024 * 1024, maxLineLength, signal } = options;
  const [file, ...rest] = commandLine(command, args, { env, dieWithParent: true, user });
  const { execa } = await import('execa');
  const stop = new AbortController();
  const running = execa(file, rest, {
    ...(env === 'inherit' ? {} : { env: { ...env }, extendEnv: false }),
    ...(cwd === undefined ? {} : { cwd }),
    ...user,
    input,
    cancelSignal: signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
    buffer: { stdout: false, stderr: true },
    encoding: 'utf8',
    forceKillAfterDelay: 2000,
    killDescendants: true,
    maxBuffer: maxOutputBytes,
    reject: false,
    shell: false,
    timeout: timeoutMs,
  });
  const ended = running.then((result) => ({
    code: result.exitCode ?? null,
    signal: result.signal ?? null,
    stderr: result.stderr ?? '',
    timedOut: result.timedOut,
    stopped: result.isCanceled,
  }));
  return { lines: linesOf(running.stdout, maxLineLength, () => stop.abort()), ended, stop: () => stop.abort() };
}

async function* linesOf(stream: NodeJS.ReadableStream, maxLength: number, tooLong: () => void): AsyncGenerator<string> {
  let rest = '';
  try {
    for await (const chunk of stream.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
      if (rest.length > maxLength) return tooLong();
    }
  } catch {
    // It was ended with its pipe half read: how it ended says more.
  }
  if (rest !== '') yield rest;
}

class SpawnedProcess implements ChildHandle {
  readonly pid: number;
  readonly stdio: readonly (Socket | null)[];
  readonly exited: Promise<ProcessExit>;
  readonly #group: number;
  #ended = false;

  constructor(child: ChildProcess, options: { pid: number; processGroup: boolean }) {
    this.pid = options.pid;
    this.#group = options.processGroup ? -options.pid : options.pid;
    this.stdio = child.stdio.map((stream) => (stream instanceof Socket ? stream.on('error', () => {}) : null));
    this.exited = new Promise((settle) => {
      child.once('exit', (code, signal) => {
        // What the leader left behind in its group ends with it. Here, before the number can be given to anybody else.
        if (options.processGroup) sendSignal(this.#group, 'SIGKILL');
        this.#ended = true;
        settle({ code, signal });
      });
    });
  }

  pipe(fd: number): Socket {
    const socket = this.stdio[fd];
    if (socket) return socket;
    throw new Error(`descriptor ${fd} of process ${this.pid} was not started as a pipe`);
  }

  kill(signal: NodeJS.Signals): boolean {
    return !this.#ended && sendSignal(signal === 'SIGKILL' ? this.#group : this.pid, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill('SIGKILL');
    await this.exited;
  }
}

/** False when nobody has this number any more, or only somebody else (macOS: only zombies). */
function sendSignal(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH' || code === 'EPERM') return false;
    throw error;
  }
}

function commandLine(
  command: string,
  args: readonly string[],
  options: { env: ChildEnv; dieWithParent: boolean; user?: ProcessUser | undefined },
): [string, ...string[]] {
  const program = findProgram(command, options.env);
  const [launcher, ...launcherArgs] = options.dieWithParent ? deathSignalLauncher() : [];
  if (launcher === undefined) return [program, ...args];
  // Somebody else than root must not become root again over a program that may.
  return [launcher, ...launcherArgs, ...(options.user === undefined ? [] : ['--no-new-privs']), '--', program, ...args];
}

/**
 * Looked up here and not by the kernel, because behind a launcher a missing program would only be an exit code.
 * @returns its path
 * @throws SeedError `unavailable`
 */
export function findProgram(command: string, env: ChildEnv): string {
  if (command.includes('/')) {
    if (isExecutable(command)) return resolve(command);
    throw new SeedError('unavailable', `${command} can not be started: there is no such program, or it is not executable`);
  }
  if (env === 'inherit') throw new SeedError('unavailable', `${command} can not be looked up: give its path, or an environment with PATH`);
  const path = env['PATH'] ?? DEFAULT_PATH;
  const found = path
    .split(delimiter)
    .map((folder) => join(folder, command))
    .find(isExecutable);
  if (found !== undefined) return found;
  throw new SeedError('unavailable', `${command} is not installed`, { hint: `it was looked for in ${path}` });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

let launcher: readonly string[] | undefined;

/** The signal belongs to the *thread* that spawns: start children from the main thread only. */
function deathSignalLauncher(): readonly string[] {
  launcher ??=
    ['/usr/bin/setpriv', '/bin/setpriv', '/run/current-system/sw/bin/setpriv']
      .filter(isExecutable)
      .map((file) => [file, '--pdeathsig', 'KILL'])
      // BusyBox has a setpriv without this option: only a run tells.
      .find(
        ([file = '', ...args]) =>
          spawnSync(file, [...args, '--', file, '--version'], { env: {}, stdio: 'ignore', timeout: 2000 }).status === 0,
      ) ?? [];
  return launcher;
}
