// How a sandbox host is started: which program, with which of Node's rights taken away.
import { closeSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { spawnProcess, type ChildHandle } from '#lib/process.ts';
import { ConfinedProcess } from './confined-process.ts';
import type { OsLayer } from './os-layer.ts';
import { strippedProgram } from './host-program.ts';

/**
 * An empty environment, a process group of its own, no files but the program's, no children, no workers, no compile cache.
 * Node's permission model does not cut the network: the operating system's layer does. fd 3: the wire. fd 4: the black box.
 */
export function spawnHost(options: { blackBoxFd: number; shortLived: boolean; layer: OsLayer }): ChildHandle {
  const { layer } = options;
  const isolatedVm = dirname(fileURLToPath(import.meta.resolve('isolated-vm')));
  const readable = [
    import.meta.dirname,
    // Whether the program is made of modules; asked in each folder up to the package's root.
    join(packageRoot(), 'package.json'),
    isolatedVm,
    join(dirname(isolatedVm), 'node-gyp-build'),
    // By which node-gyp-build tells the C library.
    '/etc/alpine-release',
  ];
  const args = [
    '--no-node-snapshot',
    '--permission',
    '--allow-addons',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    '--disable-proto=delete',
    '--disallow-code-generation-from-strings',
    '--disable-warning=SecurityWarning',
    '--disable-warning=ExperimentalWarning',
    // Maglev is enough for code that lives for milliseconds: a third of a candidate's processor time was spent on optimising it further.
    ...(options.shortLived ? ['--no-turbofan'] : []),
  ];
  const language = extname(import.meta.filename);
  const entry = join(import.meta.dirname, `host-entry${language}`);
  const stdio = ['ignore', 'ignore', 'pipe', 'pipe', options.blackBoxFd] as const;
  // Under numbers of its own the one above it is the first process there is.
  const parent = layer.ownNumbers ? '1' : String(process.pid);
  const isStripped = language === '.ts';
  const url = pathToFileURL(entry);
  const program = isStripped ? [join(import.meta.dirname, 'host-loader.mjs'), parent, url.href] : [entry, parent];
  const [file, ...rest] = layer.wrap([process.execPath, ...args, ...program], readable);
  const source = isStripped ? strippedProgram(url) : null;
  try {
    const handle = spawnProcess(file, rest, { env: {}, cwd: '/', stdio: source === null ? stdio : [...stdio, source] });
    return layer.ownNumbers ? new ConfinedProcess(handle) : handle;
  } finally {
    if (source !== null) closeSync(source);
  }
}

function packageRoot(): string {
  return join(import.meta.dirname, '..', '..', '..');
}
