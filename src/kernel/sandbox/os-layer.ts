// What the operating system can put around a host.
//   bubblewrap   namespaces of its own (user, process, network, mount, IPC, host name, cgroup): no network, no files but the program's,
//                no other process to be seen, no capabilities, a filter on system calls
//   namespaces   util-linux alone: no network, no capabilities; the node's files can still be named, Node's permission model is in the way
//   none         neither is there, or the kernel forbids it
import { accessSync, closeSync, constants, existsSync, writeSync } from 'node:fs';
import { spawnProcess, type ChildHandle, type ChildStdio } from '#lib/process.ts';
import { ConfinedProcess } from './confined-process.ts';
import { nativeFiles } from './program-files.ts';
import { openUnlinkedFile } from './unlinked-file.ts';

export type OsLayerKind = 'bubblewrap' | 'namespaces' | 'none';

export interface OsLayer {
  kind: OsLayerKind;
  /** For people: why it is not more. */
  why: string;
  /** The process that is started is not the host itself, which runs below it under numbers of its own. */
  ownNumbers: boolean;
  /** On system calls, in the kernel's own form; null: none. */
  filter: Buffer | null;
  /** The whole command line for a program. `readable`: its files and folders. `filterFd`: where the filter is read from. */
  wrap(command: Command, options: { readable: readonly string[]; filterFd: number | null }): Command;
}

type Command = readonly [string, ...string[]];

/** The black box and standard error are all that a host writes. */
const LIMITS = ['--core=0:0', '--nofile=512:512', '--fsize=65536:65536'];
const NOBODY = '65534';

export interface LayeredProcess {
  /** Files and folders that the program needs, besides Node's own. */
  readable: readonly string[];
  /** Of its threads, as the operating system counts it: 19 is the last in line. Default 0. */
  niceness?: number;
  /** By file descriptor, from 0. */
  stdio: readonly ChildStdio[];
}

/** Starts this Node inside a layer, with an empty environment. @throws SeedError `unavailable` */
export function spawnInLayer(layer: OsLayer, args: readonly string[], { readable, niceness = 0, stdio }: LayeredProcess): ChildHandle {
  const filterFd = layer.filter === null ? null : openUnlinkedFile();
  try {
    // By position, so that it is read from its beginning.
    if (layer.filter !== null && filterFd !== null) writeSync(filterFd, layer.filter, 0, layer.filter.length, 0);
    const inherited = filterFd === null ? [] : [filterFd];
    const inLayer = layer.wrap([process.execPath, ...args], { readable, filterFd: filterFd === null ? null : stdio.length });
    const [file, ...rest] = niceness === 0 ? inLayer : atNiceness(niceness, inLayer);
    const handle = spawnProcess(file, rest, { env: {}, cwd: '/', stdio: [...stdio, ...inherited] });
    return layer.ownNumbers ? new ConfinedProcess(handle) : handle;
  } finally {
    if (filterFd !== null) closeSync(filterFd);
  }
}

/** The layer made by this bubblewrap; without a filter it forbids further namespaces in another way (since bubblewrap 0.8). */
export function bubblewrap(program: string, filter: Buffer | null): OsLayer {
  return {
    kind: 'bubblewrap',
    why: '',
    ownNumbers: true,
    filter,
    wrap: (command, { readable, filterFd }) => [
      ...limiter(),
      program,
      ...['--unshare-user', '--uid', NOBODY, '--gid', NOBODY],
      ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--hostname', 'sandbox'],
      // No session of its own: it is begun in a new one, and one signal to that group must reach all of them.
      ...['--die-with-parent', '--cap-drop', 'ALL'],
      ...(filterFd === null ? ['--disable-userns'] : ['--seccomp', String(filterFd)]),
      ...[...nativeFiles(), ...readable].filter(existsSync).flatMap((path) => ['--ro-bind', path, path]),
      ...['--proc', '/proc', '--remount-ro', '/', '--chdir', '/', '--'],
      ...command,
    ],
  };
}

export function namespaces(programs: { unshare: string; setpriv: string }): OsLayer {
  return {
    kind: 'namespaces',
    why: '',
    ownNumbers: false,
    filter: null,
    wrap: (command) => [
      ...limiter(),
      programs.unshare,
      ...['--user', '--map-current-user', '--net', '--ipc', '--uts', '--'],
      programs.setpriv,
      // Here and not before: entering a user namespace takes it away.
      ...['--pdeathsig', 'KILL', '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all', '--'],
      ...command,
    ],
  };
}

/** Limits alone, which need no right of anybody's. */
export const withoutOsLayer: OsLayer = {
  kind: 'none',
  why: '',
  ownNumbers: false,
  filter: null,
  wrap: (command) => [...limiter(), ...command],
};

function atNiceness(niceness: number, command: Command): Command {
  const nice = systemProgram('nice');
  return nice === null ? command : [nice, '-n', String(niceness), ...command];
}

/** Begins a command line; `env` where there is nothing to set limits with, so that what follows is always a program and its arguments. */
function limiter(): Command {
  const prlimit = systemProgram('prlimit');
  return prlimit === null ? [systemProgram('env') ?? '/usr/bin/env'] : [prlimit, ...LIMITS, '--'];
}

/** Its path, where systems keep their programs: the operator's own PATH is not asked. */
export function systemProgram(name: string): string | null {
  const folders = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];
  return folders.map((folder) => `${folder}/${name}`).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
