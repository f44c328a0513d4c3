// Which layers this operating system grants: found out by trying, once. The best is taken.
import { existsSync, readFileSync } from 'node:fs';
import { NODE_ARGUMENTS } from './node-arguments.ts';
import { bubblewrap, namespaces, spawnInLayer, systemProgram, withoutOsLayer, type OsLayer } from './os-layer.ts';
import { ISOLATED_VM, PROGRAM_FILES } from './program-files.ts';
import { systemCallFilter } from './system-call-filter.ts';

const TRY_MS = 10_000;
const LAST_WORDS = 500;
/** What a host needs before it is one: the addon, its own memory, and a child that is listed, by which the node finds it. */
const TRIAL = `require(${JSON.stringify(ISOLATED_VM)}); process.memoryUsage.rss();`;

let found: Promise<OsLayer> | undefined;

/** Asked once; a machine does not change while the node runs. */
export function osLayer(): Promise<OsLayer> {
  found ??= detect();
  return found;
}

async function detect(): Promise<OsLayer> {
  const best = process.platform === 'linux' ? await tryBubblewrap() : null;
  if (best !== null && best.layer !== null) return { ...best.layer, why: best.reason ?? '' };
  const { layers, reasons } = await availableLayers();
  return { ...(layers[0] ?? withoutOsLayer), why: [...reasons, ...forbidden()].join('; ') };
}

/** Those that this machine grants, the best first, and why not the others. */
export async function availableLayers(): Promise<{ layers: readonly OsLayer[]; reasons: readonly string[] }> {
  if (process.platform !== 'linux') return { layers: [], reasons: [`there is none for ${process.platform}`] };
  const tried = await Promise.all([tryBubblewrap(), tryNamespaces()]);
  return { layers: tried.flatMap(({ layer }) => layer ?? []), reasons: tried.flatMap(({ reason }) => reason ?? []) };
}

interface Tried {
  layer: OsLayer | null;
  reason: string | null;
}

async function tryBubblewrap(): Promise<Tried> {
  const program = systemProgram('bwrap');
  if (program === null) {
    return { layer: null, reason: 'bubblewrap is not installed (the package bubblewrap of Debian, Ubuntu, Fedora, Alpine)' };
  }
  // A host behind it is found, watched and ended by its own number.
  if (!existsSync(`/proc/${process.pid}/task/${process.pid}/children`)) {
    return { layer: null, reason: 'bubblewrap: this kernel does not list the children of a process (CONFIG_PROC_CHILDREN)' };
  }
  const filter = systemCallFilter(process.arch);
  const layer = bubblewrap(program, filter);
  const failed = await tryOut(layer);
  if (failed === null) return { layer, reason: filter === null ? `no filter on system calls: there is no list for ${process.arch}` : null };
  const unfiltered = bubblewrap(program, null);
  if (filter === null || (await tryOut(unfiltered)) !== null) return { layer: null, reason: `bubblewrap: ${failed}` };
  return { layer: unfiltered, reason: `no filter on system calls: ${failed}` };
}

async function tryNamespaces(): Promise<Tried> {
  const [unshare, setpriv] = ['unshare', 'setpriv'].map(systemProgram);
  if (!unshare || !setpriv) return { layer: null, reason: 'util-linux has no unshare and setpriv here' };
  const layer = namespaces({ unshare, setpriv });
  const failed = await tryOut(layer);
  return failed === null ? { layer, reason: null } : { layer: null, reason: `namespaces: ${failed}` };
}

/** As a host is started, but for its program. @returns what went wrong */
async function tryOut(layer: OsLayer): Promise<string | null> {
  try {
    const options = { readable: PROGRAM_FILES, stdio: ['ignore', 'ignore', 'pipe'] } as const;
    await using child = spawnInLayer(layer, [...NODE_ARGUMENTS, '-e', TRIAL], options);
    let said = '';
    child.pipe(2).on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-LAST_WORDS)));
    const timer = setTimeout(() => child.kill('SIGKILL'), TRY_MS);
    const { code, signal } = await child.exited;
    clearTimeout(timer);
    return code === 0 ? null : said.trim().replaceAll(/\s+/g, ' ') || `it ended with ${signal ?? `exit code ${code}`}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** What keeps namespaces from all but root here, as far as it can be seen. */
function forbidden(): readonly string[] {
  const settings = [
    { file: '/proc/sys/kernel/unprivileged_userns_clone', value: '0', allow: 'sysctl kernel.unprivileged_userns_clone=1' },
    {
      file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
      value: '1',
      allow: 'an AppArmor profile for bwrap, or sysctl kernel.apparmor_restrict_unprivileged_userns=0',
    },
    { file: '/proc/sys/user/max_user_namespaces', value: '0', allow: 'sysctl user.max_user_namespaces=10000' },
  ];
  const closed = settings.filter(({ file, value }) => settingOf(file) === value).map(({ allow }) => `the kernel would need ${allow}`);
  const isContainer = existsSync('/.dockerenv') || existsSync('/run/.containerenv');
  return isContainer
    ? [...closed, 'a container would need CAP_SYS_ADMIN, or a seccomp profile that allows unshare and mount, and /proc unmasked']
    : closed;
}

function settingOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}
