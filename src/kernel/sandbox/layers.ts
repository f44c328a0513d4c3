// Which layers stand between agents' code and this machine: looked up at the hosts that run, never taken from what they were asked for.
import { readFile, readlink } from 'node:fs/promises';
import isolatedVm from 'isolated-vm/package.json' with { type: 'json' };
import { parentDeathSignal } from '#lib/process.ts';
import { osLayer } from './available-layers.ts';
import { GROUP_PREFIX } from './host-cgroup.ts';
import type { SandboxLayerName } from './layer-names.ts';

export interface SandboxLayer {
  layer: SandboxLayerName;
  /** null: it can not be told here (no /proc), or no host runs. */
  present: boolean | null;
  /** What was seen, for people. */
  detail: string;
}

/** Rights that Node's permission model gives back; reading the program's own files is one that a host needs. */
const RIGHTS = /^--allow-(?:fs-write|child-process|worker|wasi|net|inspector)/;

/** @param pids of the hosts that run. Present is what holds for all of them. Never throws. */
export async function sandboxLayers(pids: readonly number[]): Promise<readonly SandboxLayer[]> {
  const { why, kind } = await osLayer();
  const look = async (layer: SandboxLayerName, at: (pid: number) => Promise<Seen>): Promise<SandboxLayer> => {
    const seen = await seenAt(pids, at);
    // What the operating system does not give has a reason.
    const hint = seen.present === false && OF_THE_SYSTEM.has(layer) && why !== '' ? ` (${why})` : '';
    return { layer, present: seen.present, detail: `${seen.detail}${hint}` };
  };
  // bubblewrap asks for it itself.
  const hasDeathSignal = parentDeathSignal() || kind === 'bubblewrap';
  return [
    { layer: 'policy', present: true, detail: 'imports, eval, size and depth of the built code: a courtesy to its author, not a wall' },
    {
      layer: 'isolate',
      // A host that finds an unsafe isolated-vm ends before it says a word.
      present: pids.length === 0 ? null : true,
      detail: `isolated-vm ${isolatedVm.version}: one locked-down isolate for each version, results made into text inside it`,
    },
    await look('environment', environmentOf),
    await look('permissions', permissionsOf),
    await look('process_group', groupOf),
    await look('network', networkOf),
    await look('files', filesOf),
    await look('processes', processesOf),
    await look('privileges', privilegesOf),
    await look('limits', limitsOf),
    await look('cgroup', cgroupOf),
    await look('seccomp', seccompOf),
    {
      layer: 'parent_death',
      present: hasDeathSignal,
      detail: hasDeathSignal
        ? 'the kernel ends a host with its parent'
        : 'neither bubblewrap nor setpriv: a host notices only by its broken pipe',
    },
    { layer: 'broker', present: true, detail: 'what ctx offers is served by the node: each use is granted, counted and recorded there' },
    { layer: 'watchdogs', present: true, detail: 'processor time, wall clock and memory, from inside the host and from outside' },
  ];
}

const OF_THE_SYSTEM: ReadonlySet<SandboxLayerName> = new Set(['network', 'files', 'processes', 'privileges', 'seccomp']);

interface Seen {
  present: boolean | null;
  detail: string;
}

/** The first host without it speaks for all. */
async function seenAt(pids: readonly number[], look: (pid: number) => Promise<Seen>): Promise<Seen> {
  const unknown = { present: null, detail: pids.length === 0 ? 'no sandbox host runs' : 'this system does not tell' };
  const seen = await Promise.all(pids.map((pid) => look(pid).catch(() => null)));
  // A host that has just ended says nothing.
  const told = seen.filter((one) => one !== null);
  return told.find(({ present }) => present !== true) ?? told[0] ?? unknown;
}

async function environmentOf(pid: number): Promise<Seen> {
  await argumentsOf(pid);
  // bubblewrap says where it is.
  const count = words(await readFile(`/proc/${pid}/environ`, 'utf8')).filter((word) => word !== 'PWD=/').length;
  return { present: count === 0, detail: count === 0 ? 'empty' : `${count} variables` };
}

async function permissionsOf(pid: number): Promise<Seen> {
  const args = await argumentsOf(pid);
  if (!args.includes('--permission')) return { present: false, detail: 'Node runs with all rights' };
  const rights = args.filter((arg) => RIGHTS.test(arg));
  const detail = 'Node’s: no file but the program’s own, no children, no workers; the network is not cut by it';
  return { present: rights.length === 0, detail: rights.length === 0 ? detail : `given back: ${rights.join(', ')}` };
}

/** @throws Error for a process that has ended or is just becoming another program: everything about it looks empty then */
async function argumentsOf(pid: number): Promise<readonly string[]> {
  const args = words(await readFile(`/proc/${pid}/cmdline`, 'utf8'));
  if (args.length === 0) throw new Error(`process ${pid} has ended`);
  return args;
}

async function groupOf(pid: number): Promise<Seen> {
  const [its, ours] = await Promise.all([processGroupOf(pid), processGroupOf(process.pid)]);
  return its === ours ? { present: false, detail: 'the node’s' } : { present: true, detail: 'its own: ended with all that it has started' };
}

async function networkOf(pid: number): Promise<Seen> {
  return (await isOwn(pid, 'net'))
    ? { present: true, detail: 'none: a namespace of its own, with nothing in it' }
    : { present: false, detail: 'the node’s network can be reached by what breaks out of its isolate' };
}

async function filesOf(pid: number): Promise<Seen> {
  if (!(await isOwn(pid, 'mnt')))
    return { present: false, detail: 'the node’s files can be named, and Node’s permission model is in the way' };
  const mounts = (await readFile(`/proc/${pid}/mountinfo`, 'utf8')).trim().split('\n');
  const writable = mounts.filter((line) => {
    const [, , , , where = '', how = ''] = line.split(' ');
    // Its own processes alone are in there.
    return !how.startsWith('ro') && where !== '/proc';
  });
  if (writable.length > 0) return { present: false, detail: `${writable.length} mounts can be written to` };
  return { present: true, detail: `the program’s own and no others: ${mounts.length} mounts, all read-only` };
}

async function processesOf(pid: number): Promise<Seen> {
  return (await isOwn(pid, 'pid'))
    ? { present: true, detail: 'sees and signals none but itself' }
    : { present: false, detail: 'sees the node’s' };
}

async function privilegesOf(pid: number): Promise<Seen> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const capabilities = /^CapEff:\s*(\w+)/m.exec(status)?.[1] ?? '';
  const gainsNone = /^NoNewPrivs:\s*1/m.test(status);
  const has = Number.parseInt(capabilities, 16) !== 0;
  return {
    present: !has && gainsNone,
    detail: `${has ? `capabilities ${capabilities}` : 'no capabilities'}; ${gainsNone ? 'gains none' : 'may gain some by executing a program'}`,
  };
}

async function limitsOf(pid: number): Promise<Seen> {
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
  const soft = (name: string): string => new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits)?.[1] ?? '?';
  const [core, files, size] = [soft('Max core file size'), soft('Max open files'), soft('Max file size')];
  return { present: core === '0' && size !== 'unlimited', detail: `${files} open files, files of ${size} bytes, core dumps of ${core}` };
}

async function cgroupOf(pid: number): Promise<Seen> {
  const groups = await readFile(`/proc/${pid}/cgroup`, 'utf8');
  const own = groups.split('\n').filter((line) => line.includes(`/${GROUP_PREFIX}`));
  if (own.length === 0)
    return { present: false, detail: 'the node may make no control groups here: memory is held by the watchdogs alone' };
  return {
    present: true,
    detail: `its own, with limits on memory and threads (${own.map((line) => line.split(':')[1] || 'unified').join(', ')})`,
  };
}

async function isOwn(pid: number, namespace: 'net' | 'mnt' | 'pid'): Promise<boolean> {
  const [its, ours] = await Promise.all([readlink(`/proc/${pid}/ns/${namespace}`), readlink(`/proc/self/ns/${namespace}`)]);
  return its !== ours;
}

async function processGroupOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2];
}

async function seccompOf(pid: number): Promise<Seen> {
  const [its, ours] = await Promise.all([modeOf(pid), modeOf('self')]);
  if (its !== '2') return { present: false, detail: 'no filter on system calls' };
  return {
    present: true,
    detail: ours === '2' ? 'a filter that the node itself runs under (a container’s, as a rule)' : 'a filter of its own',
  };
}

async function modeOf(pid: number | 'self'): Promise<string | undefined> {
  return /^Seccomp:\s*(\d)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
}

/** Separated by NUL. */
function words(text: string): readonly string[] {
  return text.split('\0').filter((word) => word !== '');
}
