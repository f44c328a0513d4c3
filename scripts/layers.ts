// The law of imports, as data: who may import whom, and where a package may be used. The lint configuration is made from
// it, the rule in oxlint-plugin.ts enforces it, test/layers.test.ts plants every breach of it.

export interface Layer {
  /** A folder (ends with a slash) or a file, from the root of the project. The longest one that fits a file decides. */
  path: string;
  /** What it may import besides itself: folders, or single files. `*` is everything. */
  imports: readonly string[];
  /** Reached by relative paths only: it is published, and its readers do not know our `#` names. */
  relativeOnly?: boolean;
}

export interface Fence {
  /** Names of packages; a name ending in a slash is a scope. */
  packages: readonly string[];
  /** Only these exports are fenced, and whatever brings all of them (default, namespace, dynamic import). */
  names?: readonly string[];
  /** Folders and files that may use them; `*` stands for one part of a path. */
  within: readonly string[];
}

const LIB = 'src/lib/';
const TELEMETRY = 'src/telemetry/';
const OPERATION = 'src/operation/';
const KERNEL = 'src/kernel/';
const DB = 'src/db/';
const IMPROVEMENT = 'src/improvement/';
const DOMAINS = [OPERATION, DB, IMPROVEMENT, KERNEL, LIB, TELEMETRY];

export const LAYERS: readonly Layer[] = [
  { path: LIB, imports: [] },
  { path: TELEMETRY, imports: [LIB] },
  { path: OPERATION, imports: [LIB, TELEMETRY] },
  { path: KERNEL, imports: [LIB, TELEMETRY] },
  { path: DB, imports: [LIB, TELEMETRY] },
  { path: IMPROVEMENT, imports: [KERNEL, LIB, TELEMETRY] },
  { path: 'src/domains/', imports: DOMAINS },
  { path: 'src/domains/config/', imports: [...DOMAINS, 'src/config.ts', 'src/settings.ts'] },
  { path: 'src/interfaces/', imports: [OPERATION, 'src/domains/index.ts', LIB, TELEMETRY] },
  { path: 'src/interfaces/web/', imports: [] },
  { path: 'src/config.ts', imports: [LIB, 'src/settings.ts'] },
  { path: 'src/settings.ts', imports: [LIB] },
  { path: 'src/agent.ts', imports: [LIB], relativeOnly: true },
  { path: 'src/models.ts', imports: [LIB], relativeOnly: true },
  { path: 'src/main.ts', imports: ['*'] },
  { path: 'src/node.ts', imports: ['*'] },
  { path: 'src/node/', imports: ['*'] },
  { path: 'src/cli.ts', imports: ['*'] },
];

/** A folder of contexts: another context is reached through its index.ts only. Files beside them belong to none. */
export const CONTEXTS = 'src/domains/';

/** What an agent's author writes: its own folder and this one name, nothing else. */
export const AGENTS = { path: 'agents/', imports: ['seed-agent/agent'] };

/** Files that prove or measure: they may import everything. */
export const FREE = ['test/', 'bench/', 'scripts/', 'tools/', 'vitest.config.ts'];

/** For files under src/. */
export const FENCES: readonly Fence[] = [
  { packages: ['isolated-vm'], within: ['src/kernel/sandbox/'] },
  { packages: ['esbuild'], within: ['src/kernel/compiler/'] },
  { packages: ['ioredis', 'bullmq'], within: ['src/kernel/cluster/'] },
  { packages: ['execa'], within: ['src/lib/process.ts'] },
  { packages: ['node:child_process'], within: ['src/lib/process.ts', 'src/kernel/sandbox/', 'src/kernel/supervisor/'] },
  { packages: ['simple-git'], within: ['src/improvement/'] },
  { packages: ['diff'], within: ['src/domains/runtime/source-diff.ts'] },
  { packages: ['hono', '@hono/'], within: ['src/interfaces/http/'] },
  { packages: ['prom-client', 'pino', '@opentelemetry/'], within: ['src/telemetry/'] },
  { packages: ['pg', '@electric-sql/'], within: ['src/db/'] },
  { packages: ['kysely'], within: ['src/db/', 'src/domains/*/store.ts', 'src/domains/*/*-store.ts'] },
  { packages: ['commander'], within: ['src/interfaces/cli/'] },
  // Ways around the rules above: CommonJS, and the environment by another name.
  { packages: ['node:module'], names: ['createRequire', 'Module'], within: [] },
  { packages: ['node:process'], within: [] },
];

/** The only readers of the environment: a node's settings, and the models that run outside of any node. */
export const ENVIRONMENT = ['src/config.ts', 'src/models.ts'];

/** Files that import what they are told at run time: the sandbox host starts from sources its parent hands over. */
export const COMPUTED = ['src/kernel/sandbox/host-loader.mjs'];
