// The only file system a build sees: the folder in memory. A path of the author's never reaches the disk.
import { posix } from 'node:path';
import type { Loader, OnLoadResult, OnResolveArgs, OnResolveResult, PartialMessage, Plugin } from 'esbuild';
import { isProtectedPath, type SourceFiles } from './artifact.ts';
import { nestingBound } from './nesting.ts';

export type EntryKind = 'agent' | 'evaluation' | 'contract';

export const ENTRIES: Readonly<Record<EntryKind, string>> = {
  agent: 'agent.ts',
  evaluation: 'evals/evaluation.ts',
  contract: 'contract.ts',
};

/** Global that each built script leaves its module namespace in: `__seed_module.default`, `__seed_module.priority`. */
export const MODULE_GLOBAL = '__seed_module';

/** Global of the contract script that holds the real functions and zod. */
export const CONTRACT_KIT = '__seed_contract_kit';

/** Tokens that may be open at once. Hand-written code stays under 600; the parsers behind us crawl or overflow far above. */
const MAX_NESTING = 2_000;

const API = 'seed-agent/agent';
const IDENTITIES = 'export const agent = (x) => x; export const evaluation = (x) => x; export const contract = (x) => x;';
const SHIMS: Readonly<Record<EntryKind, string>> = {
  agent: IDENTITIES,
  evaluation: IDENTITIES,
  contract: `export const { agent, contract, evaluation, z } = globalThis.${CONTRACT_KIT}.api;`,
};
const LOADERS: Readonly<Record<string, Loader>> = { '.ts': 'ts', '.json': 'json' };

export function virtualFolder(files: SourceFiles, kind: EntryKind): Plugin {
  const shim = { contents: SHIMS[kind], loader: 'js' as const };
  return {
    name: 'folder',
    setup(build) {
      build.onResolve({ filter: /.*/ }, (args) => resolve(args, files, kind));
      build.onLoad({ filter: /.*/, namespace: 'api' }, () => shim);
      build.onLoad({ filter: /.*/, namespace: 'folder' }, ({ path }) => load(path, files));
    },
  };
}

function load(path: string, files: SourceFiles): OnLoadResult {
  const contents = files[path];
  const loader = LOADERS[posix.extname(path)];
  if (contents === undefined || loader === undefined) return { errors: [{ text: `${quote(path)} is not in the agent's folder` }] };
  const deep = nestingBound(contents, MAX_NESTING);
  return deep === null ? { contents, loader } : { errors: [tooDeep(path, contents, deep)] };
}

function tooDeep(path: string, text: string, { line, column }: { line: number; column: number }): PartialMessage {
  const lineText = text.split('\n')[line - 1]?.slice(0, column) ?? '';
  const bytes = Buffer.byteLength(lineText.slice(0, column - 1));
  return { text: `nested more than ${MAX_NESTING} deep`, location: { file: path, line, column: bytes, lineText } };
}

function resolve(args: OnResolveArgs, files: SourceFiles, kind: EntryKind): OnResolveResult {
  // Not args.path: esbuild looks on the disk for what it is given, and would change the name if it found something.
  if (args.kind === 'entry-point') return { path: ENTRIES[kind], namespace: 'folder' };
  if (args.kind !== 'import-statement') {
    return refuse(`${args.kind === 'dynamic-import' ? 'import()' : args.kind} does not exist in an isolate: use an import statement`);
  }
  if (args.path === API) return { path: API, namespace: 'api', sideEffects: false };
  if (!args.path.startsWith('./') && !args.path.startsWith('../')) {
    return refuse(`${quote(args.path)} can not be imported; allowed are "${API}" and files of the agent's own folder`);
  }
  const path = posix.join(posix.dirname(args.importer), args.path);
  if (!Object.hasOwn(files, path)) {
    const suggestion = Object.hasOwn(files, `${path}.ts`) ? `; did you mean ${quote(`${args.path}.ts`)}?` : '';
    return refuse(`${quote(args.path)} is not in the agent's folder${suggestion}`);
  }
  if (LOADERS[posix.extname(path)] === undefined) return refuse(`${quote(args.path)} can not be imported; only .ts and .json files can`);
  const problem = crossesProtection(path, kind);
  return problem === null ? { path, namespace: 'folder' } : refuse(problem);
}

/** What decides over a version must not run its code, and its code must not see what decides over it. */
function crossesProtection(path: string, kind: EntryKind): string | null {
  if (kind === 'agent') {
    if (path === ENTRIES.contract) return 'contract.ts can only be imported as types: write import type contract from …';
    if (isProtectedPath(path)) return `${quote(path)} belongs to the evaluation; an agent can not import it`;
    return null;
  }
  if (kind === 'evaluation') {
    if (path === ENTRIES.contract) return 'contract.ts can only be imported as types: write import type contract from …';
    if (!path.startsWith('evals/')) return `${quote(path)} can change with a version; an evaluation imports only files in evals/`;
    return null;
  }
  return isProtectedPath(path) ? null : `${quote(path)} can change with a version; a contract imports only protected files`;
}

function refuse(text: string): OnResolveResult {
  return { errors: [{ text }] };
}

function quote(path: string): string {
  return JSON.stringify(path.slice(0, 120));
}
