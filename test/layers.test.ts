// Every rule of scripts/layers.ts is broken on purpose, in every form an import can take, and each breach must be found;
// what is allowed must not be. A linter that silently checks nothing fails here.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONTEXTS, FENCES, LAYERS, type Layer } from '../scripts/layers.ts';

const project = path.dirname(import.meta.dirname);
let root: string;

/** All ways to name another module. `n` keeps the names of one file apart. */
const FORMS: Readonly<Record<string, (specifier: string, n: number) => string>> = {
  'static import': (specifier, n) => `import { x as x${n} } from '${specifier}';`,
  'default import': (specifier, n) => `import x${n} from '${specifier}';`,
  'namespace import': (specifier, n) => `import * as x${n} from '${specifier}';`,
  'bare import': (specifier) => `import '${specifier}';`,
  'type import': (specifier, n) => `import type { X as X${n} } from '${specifier}';`,
  'inline type import': (specifier, n) => `import { type X as X${n} } from '${specifier}';`,
  're-export': (specifier, n) => `export { x as x${n} } from '${specifier}';`,
  're-export of all': (specifier) => `export * from '${specifier}';`,
  're-export as a name': (specifier, n) => `export * as x${n} from '${specifier}';`,
  'type re-export': (specifier, n) => `export type { X as X${n} } from '${specifier}';`,
  'dynamic import': (specifier, n) => `export const x${n} = () => import('${specifier}');`,
  'dynamic import of a template': (specifier, n) => `export const x${n} = () => import(\`${specifier}\`);`,
  'type of an import': (specifier, n) => `export type X${n} = import('${specifier}').X;`,
  'typeof an import': (specifier, n) => `export type X${n} = typeof import('${specifier}');`,
  require: (specifier, n) => `export const x${n} = require('${specifier}');`,
};

interface Planted {
  file: string;
  line: number;
  /** What was planted, for the message of a failure. */
  what: string;
  found: boolean;
}

const planted: Planted[] = [];
const lines = new Map<string, string[]>();

/** Adds one line to a file of the temporary project. `found`: whether the rule must speak up. */
function plant(file: string, text: string, { what, found }: { what: string; found: boolean }): void {
  const content = lines.get(file) ?? [];
  lines.set(file, content);
  content.push(text);
  planted.push({ file, line: content.length, what: `${what}: ${text}`, found });
}

function plantForms(file: string, specifier: string, expected: { what: string; found: boolean }): void {
  for (const [form, write] of Object.entries(FORMS)) {
    plant(file, write(specifier, (lines.get(file)?.length ?? 0) + 1), { what: `${form}, ${expected.what}`, found: expected.found });
  }
}

/** A file that stands for the layer: the file itself, or one deep inside the folder. */
function fileIn({ path: place }: Layer, name = 'planted.ts'): string {
  return place.endsWith('/') ? `${place}${place === CONTEXTS ? 'alpha/' : ''}${name}` : place;
}

function relative(from: string, to: string): string {
  const found = path.posix.relative(path.posix.dirname(from), to);
  return found.startsWith('.') ? found : `./${found}`;
}

function named(file: string): string {
  return `#${file.slice('src/'.length)}`;
}

/** Whether `from` may import this file of `to`, as the architecture says it and not as the rule computes it. */
function isAllowed(from: Layer, target: string): boolean {
  if (from.imports.includes('*')) return true;
  return from.imports.some((place) => (place.endsWith('/') ? target.startsWith(place) : target === place));
}

function plantLayers(): void {
  for (const from of LAYERS) {
    const file = fileIn(from);
    for (const to of LAYERS) {
      if (from === to || to.path.startsWith(from.path) || from.path.startsWith(to.path)) continue;
      const target = fileIn(to, 'target.ts');
      const what = `${from.path} → ${target}`;
      // Single files and composition roots have no # name.
      const isFile = !to.path.endsWith('/') || to.imports.includes('*');
      if (!isAllowed(from, target)) {
        plantForms(file, relative(file, target), { what, found: true });
        if (!isFile) plantForms(file, named(target), { what, found: true });
      } else {
        const byName = !isFile && from.relativeOnly !== true;
        plantForms(file, byName ? named(target) : relative(file, target), { what, found: false });
        // The other spelling is refused: `#` across layers, relative inside one and where it is published.
        if (!isFile) plantForms(file, byName ? relative(file, target) : named(target), { what, found: true });
      }
    }
  }
}

function plantFences(): void {
  const shops = LAYERS.filter(({ path: place }) => place.startsWith('src/')).map((layer) => fileIn(layer, 'fenced.ts'));
  for (const { packages, names: fenced, within } of FENCES) {
    if (fenced !== undefined) continue;
    const names = packages.flatMap((name) =>
      name.endsWith('/') ? [`${name}anything`] : name.startsWith('node:') ? [name, name.slice(5)] : [name, `${name}/sub`],
    );
    const inside = within.map((place) => place.replaceAll('*', 'some').replace(/\/$/, '/fenced.ts'));
    for (const name of names) {
      for (const file of inside) plantForms(file, name, { what: `${name} where it belongs`, found: false });
      for (const file of shops) if (!inside.includes(file)) plantForms(file, name, { what: `${name} in ${file}`, found: true });
    }
  }
  for (const { packages, names: fenced } of FENCES.filter(({ names }) => names !== undefined)) {
    for (const [form, write] of Object.entries(FORMS)) {
      // These forms take `x` alone, which has no fence.
      const single = ['static import', 'bare import', 'type import', 'inline type import', 're-export', 'type re-export'].includes(form);
      plant('src/kernel/names.ts', write(packages[0] ?? '', lines.get('src/kernel/names.ts')?.length ?? 0), { what: form, found: !single });
    }
    for (const [n, name] of (fenced ?? []).entries()) {
      plant('src/kernel/names.ts', `import { ${name} as renamed${n} } from '${packages[0]}';`, { what: 'a fenced name', found: true });
      plant('src/kernel/names.ts', `export { ${name} as exported${n} } from '${packages[0]}';`, { what: 'a fenced name', found: true });
    }
  }
  for (const name of ['isolated-vm-like', 'pg-native', 'honor', 'node:fs']) {
    plantForms('src/kernel/unfenced.ts', name, { what: `${name} is not fenced`, found: false });
  }
}

function plantContexts(): void {
  const file = 'src/domains/alpha/context.ts';
  plantForms(file, '../beta/store.ts', { what: 'into another context', found: true });
  plantForms(file, '#domains/beta/store.ts', { what: 'into another context', found: true });
  plantForms('src/domains/alpha/deep/context.ts', '../../beta/deep/thing.ts', { what: 'into another context', found: true });
  plantForms(file, '../beta/index.ts', { what: "another context's index", found: false });
  plantForms(file, '../ports.ts', { what: 'beside the contexts', found: false });
  plantForms(file, './store.ts', { what: 'its own context', found: false });
  plantForms('src/domains/index.ts', './beta/beta.ts', { what: 'from beside the contexts', found: false });
  plantForms('src/domains/alpha/config.ts', '../../config.ts', { what: 'only domains/config reads the settings', found: true });
  plantForms('src/domains/config/reader.ts', '../../config.ts', { what: 'domains/config reads the settings', found: false });
  // The same relative text means another file one folder down.
  plantForms('src/kernel/runtime/looks-alike.ts', '../config.ts', { what: 'a file of its own layer', found: false });
  plantForms('src/kernel/runtime/looks-alike.ts', '../../domains/runtime/x.ts', { what: 'kernel → domains', found: true });
  plantForms('src/kernel/sandbox/looks-alike.ts', '../runtime/x.ts', { what: 'a folder of its own layer', found: false });
  plantForms('src/kernel/looks-alike.ts', '#kernel/runtime/x.ts', { what: 'its own layer by name', found: true });
}

function plantAgents(): void {
  for (const specifier of [
    '../../src/kernel/x.ts',
    '#lib/name.ts',
    'node:fs',
    'zod',
    '../extract/agent.ts',
    'seed-agent/models',
    'seed-agent',
  ]) {
    plantForms('agents/packer/agent.ts', specifier, { what: 'beyond the agent', found: true });
  }
  plantForms('agents/packer/agent.ts', 'seed-agent/agent', { what: "the agent's one name", found: false });
  plantForms('agents/packer/agent.ts', './contract.ts', { what: 'its own file', found: false });
  plantForms('agents/packer/evals/evaluation.ts', '../contract.ts', { what: 'its own file', found: false });
  plantForms('agents/packer/evals/evaluation.ts', '../../extract/contract.ts', { what: "another agent's file", found: true });
  plantForms('src/kernel/published.ts', 'seed-agent/agent', { what: 'kernel → agent.ts', found: true });
}

function plantOthers(): void {
  const environment = [
    'export const a = process.env.PORT;',
    "export const b = process.env['PORT'];",
    "export const c = process['env'].PORT;",
    'export const d = globalThis.process.env.PORT;',
    'export const { env: e } = process;',
  ];
  for (const text of environment) {
    plant('src/kernel/environment.ts', text, { what: 'reads the environment', found: true });
    plant('src/node.ts', text, { what: 'reads the environment', found: true });
    plant('src/config.ts', text, { what: 'config.ts reads the environment', found: false });
    plant('src/kernel/environment.test.ts', text, { what: 'a test reads the environment', found: false });
  }
  for (const text of ["process.env['TZ'] = 'UTC';", "process.env.TZ = 'UTC';", 'delete process.env.TZ;']) {
    plant('src/kernel/environment.ts', text, { what: 'sets the environment', found: false });
  }
  plant('src/kernel/environment.ts', 'process.env.A = process.env.B;', { what: 'reads the environment', found: true });
  plant('src/kernel/sandbox/host-loader.mjs', 'await import(process.argv[3]);', { what: 'imports what it is told', found: false });
  plant('src/kernel/computed.ts', 'export const f = (name: string) => import(name);', { what: 'computed import', found: true });
  plant('src/kernel/computed.ts', 'export const g = (name: string) => import(`#lib/${name}`);', { what: 'computed import', found: true });
  plant('src/kernel/computed.ts', "export const h = process.getBuiltinModule('child_process');", { what: 'hidden import', found: true });
  plant('src/kernel/computed.ts', "export const i = process.getBuiltinModule('fs');", { what: 'a builtin without a fence', found: false });
  plantForms('src/stray.ts', '#lib/name.ts', { what: 'a file of no layer', found: true });
  plantForms('src/stray/thing.ts', '#lib/name.ts', { what: 'a folder of no layer', found: true });
  for (const free of [
    'src/kernel/thing.test.ts',
    'src/kernel/thing.int.test.ts',
    'test/thing.ts',
    'bench/thing.ts',
    'scripts/thing.ts',
    'agents/packer/agent.test.ts',
  ]) {
    for (const specifier of ['#db/x.ts', 'isolated-vm', 'seed-agent/agent'])
      plantForms(free, specifier, { what: 'a test or script', found: false });
  }
}

interface Diagnostic {
  filename: string;
  /** Missing for a syntax error. */
  code?: string;
  message: string;
  labels: { span: { line: number } }[];
}

function oxlint(...args: string[]): Diagnostic[] {
  const program = path.join(project, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const { stdout, stderr } = spawnSync(process.execPath, [program, '--format', 'json', ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  expect(stderr).toBe('');
  return (JSON.parse(stdout) as { diagnostics: Diagnostic[] }).diagnostics;
}

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'seed-layers-'));
  mkdirSync(path.join(root, 'scripts'));
  for (const file of ['.oxlintrc.json', 'package.json', 'tsconfig.json', 'scripts/oxlint-plugin.ts', 'scripts/layers.ts']) {
    cpSync(path.join(project, file), path.join(root, file));
  }
  symlinkSync(path.join(project, 'node_modules'), path.join(root, 'node_modules'));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(file: string, text: string): void {
  const place = path.join(root, file);
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, text);
}

describe('the law of imports', () => {
  test('finds every breach in every form, and nothing else', { timeout: 120_000 }, () => {
    plantLayers();
    plantFences();
    plantContexts();
    plantAgents();
    plantOthers();
    for (const [file, content] of lines) write(file, `${content.join('\n')}\n`);

    const diagnostics = oxlint('src', 'agents', 'test', 'bench', 'scripts');
    // A file that can not be parsed is not checked.
    expect(diagnostics.filter(({ code }) => code === undefined)).toEqual([]);
    const found = new Set(
      diagnostics.filter(({ code }) => code === 'seed(layers)').map(({ filename, labels }) => `${filename}:${labels[0]?.span.line}`),
    );
    const missed = planted.filter(({ file, line, found: expected }) => expected && !found.has(`${file}:${line}`));
    const wronglyFound = planted.filter(({ file, line, found: expected }) => !expected && found.has(`${file}:${line}`));
    expect(missed.map(({ file, what }) => `${file} ${what}`)).toEqual([]);
    expect(wronglyFound.map(({ file, what }) => `${file} ${what}`)).toEqual([]);
    // Both kinds were really planted.
    expect(planted.filter(({ found: expected }) => expected).length).toBeGreaterThan(1_000);
    expect(planted.filter(({ found: expected }) => !expected).length).toBeGreaterThan(1_000);
  });
});

describe('the other rules', () => {
  const asynchronous = 'declare function later(): Promise<number>;\n';
  const long = (count: number): string =>
    `${Array.from({ length: count }, (_, n) => `export const n${n} = ${n};`).join('\n')}\n// a comment\n\n`;

  const breaches: [what: string, code: string, files: Record<string, string>][] = [
    [
      'a cycle of values',
      'import(no-cycle)',
      {
        'src/rules/cycle-a.ts': "import { b } from './cycle-b.ts';\nexport const a = () => b;\n",
        'src/rules/cycle-b.ts': "import { a } from './cycle-a.ts';\nexport const b = () => a;\n",
      },
    ],
    [
      'a cycle of types',
      'import(no-cycle)',
      {
        'src/rules/types-a.ts': "import type { B } from './types-b.ts';\nexport interface A {\n  b: B;\n}\n",
        'src/rules/types-b.ts': "import type { A } from './types-a.ts';\nexport interface B {\n  a: A;\n}\n",
      },
    ],
    [
      'a cycle by names',
      'import(no-cycle)',
      {
        'src/lib/named-a.ts': "import { b } from '#db/named-b.ts';\nexport const a = () => b;\n",
        'src/db/named-b.ts': "import { a } from '#lib/named-a.ts';\nexport const b = () => a;\n",
      },
    ],
    ['a default export', 'import(no-default-export)', { 'src/rules/default.ts': 'export default 1;\n' }],
    ['a print', 'eslint(no-console)', { 'src/rules/print.ts': "console.log('x');\n" }],
    ['a file that is too long', 'eslint(max-lines)', { 'src/rules/long.ts': long(401) }],
    [
      'a value import of a type',
      'typescript(consistent-type-imports)',
      {
        'src/rules/x.ts': 'export interface X {\n  x: 1;\n}\n',
        'src/rules/type-import.ts': "import { X } from './x.ts';\nexport const x: X = { x: 1 };\n",
      },
    ],
    ['any', 'typescript(no-explicit-any)', { 'src/rules/any.ts': 'export const x: any = 1;\n' }],
    ['a silenced type', 'typescript(ban-ts-comment)', { 'src/rules/silenced.ts': "// @ts-ignore\nexport const x: number = '1';\n" }],
    [
      'a promise nobody waits for',
      'typescript(no-floating-promises)',
      { 'src/rules/floating.ts': `${asynchronous}later();\nexport {};\n` },
    ],
    [
      'a promise as a condition',
      'typescript(no-misused-promises)',
      { 'src/rules/misused.ts': `${asynchronous}export const x = later() ? 1 : 2;\n` },
    ],
    ['waiting for a number', 'typescript(await-thenable)', { 'src/rules/await.ts': 'export const x = await 1;\n' }],
    ['a thrown text', 'typescript(only-throw-error)', { 'src/rules/throw.ts': "export function f(): never {\n  throw 'x';\n}\n" }],
    [
      'a builtin without its prefix',
      'unicorn(prefer-node-protocol)',
      { 'src/rules/builtin.ts': "import fs from 'fs';\nexport const x = fs;\n" },
    ],
    ['a name that is not kebab-case', 'unicorn(filename-case)', { 'src/rules/notKebab.ts': 'export const x = 1;\n' }],
    [
      'a focused test',
      'vitest(no-focused-tests)',
      { 'src/rules/focused.test.ts': "import { expect, test } from 'vitest';\ntest.only('x', () => expect(1).toBe(1));\n" },
    ],
    [
      'a skipped test',
      'vitest(no-disabled-tests)',
      { 'src/rules/skipped.test.ts': "import { expect, test } from 'vitest';\ntest.skip('x', () => expect(1).toBe(1));\n" },
    ],
  ];
  const fine: Record<string, string> = {
    'src/interfaces/cli/print.ts': "console.log('data');\n",
    'agents/tidy/contract.ts': 'export default 1;\n',
    'src/lib/long.ts': long(400),
  };
  let diagnostics: Diagnostic[] = [];

  beforeAll(() => {
    const files = { ...Object.assign({}, ...breaches.map(([, , planted]) => planted)), ...fine } as Record<string, string>;
    for (const [file, text] of Object.entries(files)) write(file, text);
    diagnostics = oxlint(...Object.keys(files));
  }, 60_000);

  test.each(breaches)('finds %s', (_, code, files) => {
    const codes = diagnostics.filter(({ filename }) => filename in files).map((diagnostic) => diagnostic.code);
    expect(codes).toContain(code);
  });

  test('lets pass what is meant to be', () => {
    expect(diagnostics.filter(({ filename }) => filename in fine)).toEqual([]);
  });
});
