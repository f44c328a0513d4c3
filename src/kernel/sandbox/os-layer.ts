// What the operating system puts around a host: found out by trying, once. The best that the machine grants is taken.
//   bubblewrap   namespaces of its own (user, process, network, mount, IPC, host name, cgroup): no network, no files but the program's,
//                no other process to be seen, no capabilities, nothing to be gained by executing anything
//   namespaces   util-linux alone: no network, no capabilities; the node's files can still be named, Node's permission model is in the way
//   none         neither is there, or the kernel forbids it
import { accessSync, constants, existsSync } from 'node:fs';
import { spawnProcess } from '#lib/process.ts';

export type OsLayerKind = 'bubblewrap' | 'namespaces' | 'none';

export interface OsLayer {
  kind: OsLayerKind;
  /** For people: why it is not more. */
  why: string;
  /** The process that is started is not the host itself, which runs below it under numbers of its own. */
  ownNumbers: boolean;
  /** The whole command line for a program that may read these files and folders. */
  wrap(command: readonly [string, ...string[]], readable: readonly string[]): readonly [string, ...string[]];
}

const TRY_MS = 5_000;
/** The black box and standard error are all that a host writes. */
const LIMITS = ['--core=0:0', '--nofile=512:512', '--fsize=65536:65536'];
const NOBODY = '65534';

let found: Promise<OsLayer> | undefined;

/** Asked once; a machine does not change while the node runs. */
export function osLayer(): Promise<OsLayer> {
  found ??= detect();
  return found;
}

async function detect(): Promise<OsLayer> {
  const { layers, reasons } = await availableLayers();
  return { ...(layers[0] ?? withoutOsLayer), why: reasons.join('; ') };
}

/** Those that this machine grants, the best first, and why not the others. */
export async function availableLayers(): Promise<{ layers: readonly OsLayer[]; reasons: readonly string[] }> {
  if (process.platform !== 'linux') return { layers: [], reasons: [`there is none for ${process.platform}`] };
  const tried = await Promise.all(
    candidates().map(async (layer) => {
      if (typeof layer === 'string') return { layer: null, reason: layer };
      const failed = await tryOut(layer);
      return failed === null ? { layer, reason: null } : { layer: null, reason: `${layer.kind}: ${failed}` };
    }),
  );
  return { layers: tried.flatMap(({ layer }) => layer ?? []), reasons: tried.flatMap(({ reason }) => reason ?? []) };
}

function candidates(): (OsLayer | string)[] {
  const limits = limiter();
  const bwrap = find('bwrap');
  const unshare = find('unshare');
  const setpriv = find('setpriv');
  return [
    bwrap === null ? 'bubblewrap is not installed (Debian: apt install bubblewrap)' : bubblewrap(bwrap, limits),
    unshare === null || setpriv === null ? 'util-linux has no unshare and setpriv here' : namespaces(unshare, setpriv, limits),
  ];
}

function bubblewrap(program: string, limits: readonly string[]): OsLayer {
  return {
    kind: 'bubblewrap',
    why: '',
    ownNumbers: true,
    wrap: (command, readable) => [
      ...(limits as [string, ...string[]]),
      program,
      ...['--unshare-user', '--disable-userns', '--uid', NOBODY, '--gid', NOBODY],
      ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try', '--hostname', 'sandbox'],
      // No session of its own: it is begun in a new one, and one signal to that group must reach all of them.
      ...['--die-with-parent', '--cap-drop', 'ALL', '--clearenv'],
      ...[...sharedObjects(), process.execPath, ...readable].filter(existsSync).flatMap((path) => ['--ro-bind', path, path]),
      ...['--proc', '/proc', '--remount-ro', '/', '--chdir', '/', '--'],
      ...command,
    ],
  };
}

function namespaces(unshare: string, setpriv: string, limits: readonly string[]): OsLayer {
  return {
    kind: 'namespaces',
    why: '',
    ownNumbers: false,
    wrap: (command) => [
      ...(limits as [string, ...string[]]),
      unshare,
      ...['--user', '--map-current-user', '--net', '--ipc', '--uts', '--'],
      setpriv,
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
  wrap: (command) => [...(limiter() as [string, ...string[]]), ...command],
};

/** Begins a command line; `env` where there is nothing to set limits with, so that what follows is always a program and its arguments. */
function limiter(): readonly string[] {
  const prlimit = find('prlimit');
  return prlimit === null ? [find('env') ?? '/usr/bin/env'] : [prlimit, ...LIMITS, '--'];
}

/** With what a host is started with, but for its program. @returns what went wrong */
async function tryOut(layer: OsLayer): Promise<string | null> {
  const [file, ...args] = layer.wrap([process.execPath, '--version'], []);
  try {
    await using child = spawnProcess(file, args, { env: {}, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.pipe(2).on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-500)));
    const timer = setTimeout(() => child.kill('SIGKILL'), TRY_MS);
    const { code, signal } = await child.exited;
    clearTimeout(timer);
    return code === 0 ? null : said.trim().replaceAll(/\s+/g, ' ') || `it ended with ${signal ?? `exit code ${code}`}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

let objects: readonly string[] | undefined;

/** The C library and what else this Node is linked with: the host is the same program. */
function sharedObjects(): readonly string[] {
  if (objects !== undefined) return objects;
  const { report } = process as unknown as { report: { excludeNetwork: boolean; getReport: () => { sharedObjects: readonly string[] } } };
  // Names of other machines are looked up for it otherwise.
  report.excludeNetwork = true;
  objects = report.getReport().sharedObjects.filter((path) => path.startsWith('/') && !path.endsWith('.node'));
  return objects;
}

function find(program: string): string | null {
  const folders = ['/usr/bin', '/bin', '/usr/local/bin', '/run/current-system/sw/bin'];
  return folders.map((folder) => `${folder}/${program}`).find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
