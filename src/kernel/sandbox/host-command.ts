// How a sandbox host is started: which program, in which layer, with what in its hands.
import { closeSync } from 'node:fs';
import { extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChildHandle } from '#lib/process.ts';
import { strippedProgram } from './host-program.ts';
import { NODE_ARGUMENTS } from './node-arguments.ts';
import { spawnInLayer, type OsLayer } from './os-layer.ts';
import { PROGRAM_FILES } from './program-files.ts';

/** Functions compiled with their script come out of its cache: a version is loaded, and answers its first call, a third sooner. */
const EAGER = ['--no-lazy'];
/**
 * For code that lives for milliseconds. Maglev is enough: a third of a candidate's processor time was spent on optimising it further. Of
 * the rest a fifth goes with eager functions and with this: a loop that is counted from its first round is optimised sooner.
 */
const SHORT_LIVED = ['--no-turbofan', '--no-lazy-feedback-allocation'];

/** What is made ready, or searched for, takes the cores that calls leave: from its first moment, which is its busiest. */
const NICENESS = 10;

/** An empty environment, a process group of its own, none of Node's rights. fd 3: the wire. fd 4: the black box. */
export function spawnHost(options: { blackBoxFd: number; shortLived: boolean; layer: OsLayer }): ChildHandle {
  const { blackBoxFd, shortLived, layer } = options;
  const args = [...NODE_ARGUMENTS, ...EAGER, ...(shortLived ? SHORT_LIVED : [])];
  const language = extname(import.meta.filename);
  const entry = join(import.meta.dirname, `host-entry${language}`);
  const niceness = shortLived ? NICENESS : 0;
  const stdio = ['ignore', 'ignore', 'pipe', 'pipe', blackBoxFd] as const;
  // Under numbers of its own the one above it is the first process there is.
  const parent = layer.ownNumbers ? '1' : String(process.pid);
  if (language !== '.ts') return spawnInLayer(layer, [...args, entry, parent], { readable: PROGRAM_FILES, niceness, stdio });
  const url = pathToFileURL(entry);
  const program = [join(import.meta.dirname, 'host-loader.mjs'), parent, url.href];
  const source = strippedProgram(url);
  try {
    return spawnInLayer(layer, [...args, ...program], { readable: PROGRAM_FILES, niceness, stdio: [...stdio, source] });
  } finally {
    closeSync(source);
  }
}
