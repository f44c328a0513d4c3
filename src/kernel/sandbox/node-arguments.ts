// Node's own rights, taken from a host: no files but the program's, no children, no workers, no compile cache, no code from texts.
// Its permission model does not cut the network.
import { PROGRAM_FILES } from './program-files.ts';

export const NODE_ARGUMENTS: readonly string[] = [
  '--no-node-snapshot',
  '--permission',
  '--allow-addons',
  ...PROGRAM_FILES.map((path) => `--allow-fs-read=${path}`),
  '--disable-proto=delete',
  '--disallow-code-generation-from-strings',
  '--disable-warning=SecurityWarning',
  '--disable-warning=ExperimentalWarning',
];
