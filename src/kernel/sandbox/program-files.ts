// The files a sandbox host needs to run: all it may read, by Node's permissions and in the file system it is given.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ISOLATED_VM = dirname(fileURLToPath(import.meta.resolve('isolated-vm')));

/** Absolute paths of files and folders. Some are not there on every machine. */
export const PROGRAM_FILES: readonly string[] = [
  import.meta.dirname,
  // Whether the program is made of modules; asked in each folder up to the package's root.
  join(import.meta.dirname, '..', '..', '..', 'package.json'),
  ISOLATED_VM,
  join(dirname(ISOLATED_VM), 'node-gyp-build'),
  // By which node-gyp-build tells the C library.
  '/etc/alpine-release',
];

let native: readonly string[] | undefined;

/** Node itself and the libraries it was linked with, under the names by which the dynamic linker looks for them. */
export function nativeFiles(): readonly string[] {
  native ??= [process.execPath, ...sharedObjects(), '/etc/ld.so.cache'];
  return native;
}

function sharedObjects(): readonly string[] {
  // The types do not know all of it yet.
  const report = process.report as unknown as { excludeNetwork: boolean; getReport: () => { sharedObjects: readonly string[] } };
  const { excludeNetwork } = report;
  // Names of other machines are looked up for it otherwise.
  report.excludeNetwork = true;
  const { sharedObjects: objects } = report.getReport();
  report.excludeNetwork = excludeNetwork;
  return objects.filter((path) => path.startsWith('/') && path !== process.execPath && !path.endsWith('.node'));
}
