// Which layers stand between agents' code and this machine: looked up at the hosts that run, never taken from what they were asked for.
import { readFile, readlink } from 'node:fs/promises';
import isolatedVm from 'isolated-vm/package.json' with { type: 'json' };
import { parentDeathSignal } from '#lib/process.ts';

export interface SandboxLayer {
  layer: 'isolate' | 'environment' | 'permissions' | 'parent_death' | 'namespaces' | 'seccomp';
  /** null: it can not be told here (no /proc), or no host runs. */
  present: boolean | null;
  /** What was seen, for people. */
  detail: string;
}

/** Rights that Node's permission model gives back; reading the program's own files is one that a host needs. */
const RIGHTS = /^--allow-(?:fs-write|child-process|worker|wasi|net|inspector)/;
const NAMESPACES = ['net', 'mnt', 'pid', 'user'] as const;

/** @param pids of the hosts that run. Present is what holds for all of them. Never throws. */
export async function sandboxLayers(pids: readonly number[]): Promise<readonly SandboxLayer[]> {
  const [environment, permissions, namespaces, seccomp] = await Promise.all([
    seenAt(pids, environmentOf),
    seenAt(pids, permissionsOf),
    seenAt(pids, namespacesOf),
    seenAt(pids, seccompOf),
  ]);
  return [
    {
      layer: 'isolate',
      // A host that finds an unsafe isolated-vm ends before it says a word.
      present: pids.length === 0 ? null : true,
      detail: `isolated-vm ${isolatedVm.version}: one locked-down isolate for each version`,
    },
    { layer: 'environment', ...environment },
    { layer: 'permissions', ...permissions },
    {
      layer: 'parent_death',
      present: parentDeathSignal(),
      detail: parentDeathSignal() ? 'the kernel ends a host with its parent' : 'no setpriv: a host notices only by its broken pipe',
    },
    { layer: 'namespaces', ...namespaces },
    { layer: 'seccomp', ...seccomp },
  ];
}

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
  const count = words(await readFile(`/proc/${pid}/environ`, 'utf8')).length;
  return { present: count === 0, detail: count === 0 ? 'empty' : `${count} variables` };
}

async function permissionsOf(pid: number): Promise<Seen> {
  const args = await argumentsOf(pid);
  if (!args.includes('--permission')) return { present: false, detail: 'Node runs with all rights' };
  const rights = args.filter((arg) => RIGHTS.test(arg));
  const detail = 'no file but the program’s own, no children, no workers; the network is not cut by it';
  return { present: rights.length === 0, detail: rights.length === 0 ? detail : `given back: ${rights.join(', ')}` };
}

/** @throws Error for a process that has ended or is just becoming another program: everything about it looks empty then */
async function argumentsOf(pid: number): Promise<readonly string[]> {
  const args = words(await readFile(`/proc/${pid}/cmdline`, 'utf8'));
  if (args.length === 0) throw new Error(`process ${pid} has ended`);
  return args;
}

async function namespacesOf(pid: number): Promise<Seen> {
  const own = await Promise.all(
    NAMESPACES.map(async (name) => {
      const [its, ours] = await Promise.all([readlink(`/proc/${pid}/ns/${name}`), readlink(`/proc/self/ns/${name}`)]);
      return its === ours ? [] : [name];
    }),
  );
  const names = own.flat();
  return {
    present: names.length > 0,
    detail: names.length > 0 ? `its own: ${names.join(', ')}` : 'none of its own: the node’s network and files',
  };
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
