import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import vm from 'node:vm';
import { afterAll, describe, expect, test } from 'vitest';
import type { SourceFiles } from './artifact.ts';
import { Compiler } from './compiler.ts';
import { checkPolicy } from './policy.ts';
import { mapStack } from './stack.ts';

const compiler = new Compiler();
afterAll(() => compiler.close());

const files: SourceFiles = {
  'contract.ts': `import { contract } from 'seed-agent/agent';\nexport default contract({});\n`,
  'agent.ts': `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';
import { half } from './lib/half.ts';
import table from './lib/table.json' with { type: 'json' };

export function priority(item: number): number {
  return half(item) + table.offset;
}
export default agent<typeof contract>({
  handle(input: number) {
    if (input < 0) throw new Error('below zero');
    return priority(input);
  },
});
`,
  'lib/half.ts': `import type contract from '../contract.ts';\nexport const half = (value: number): number => value / 2;\nexport type C = typeof contract;\n`,
  'lib/table.json': '{"offset": 3}',
  'evals/evaluation.ts': `import { evaluation } from 'seed-agent/agent';
import type contract from '../contract.ts';
import { draw } from './draw.ts';
export default evaluation<typeof contract>({ sample: draw });
`,
  'evals/draw.ts': 'export const draw = (): number => 4;\n',
  'README.md': '# An agent\n',
};

type Module = { default: { handle(input: number): number; sample(): number }; priority(item: number): number };

function run(js: string): Module {
  const context = vm.createContext({});
  vm.runInContext(js, context, { filename: 'agent.js' });
  return vm.runInContext('__seed_module', context) as Module;
}

const withAgent = (text: string): SourceFiles => ({ ...files, 'agent.ts': text });

describe('compileAgent', () => {
  test('builds one script with the agent, its helpers and nothing of the contract', async () => {
    const { js } = await compiler.compileAgent(files);
    const module = run(js);
    expect(module.priority(4)).toBe(5);
    expect(module.default.handle(10)).toBe(8);
    expect(js).not.toContain('zod');
    expect(js.length).toBeLessThan(3_000);
    expect(checkPolicy({ js, map: '{"version":3,"sources":[],"names":[],"mappings":""}' }).exports).toEqual(['default', 'priority']);
  });

  test('leads a stack trace back to the file, line and column the author wrote', async () => {
    const { js, map } = await compiler.compileAgent(files);
    expect((JSON.parse(map) as { sources: string[] }).sources).toEqual(expect.arrayContaining(['agent.ts', 'lib/half.ts']));
    let stack = '';
    try {
      run(js).default.handle(-1);
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
    const mapped = mapStack(stack, map, { script: 'agent.js' });
    expect(mapped).toMatch(/^Error: below zero\n {4}at .*\(?agent\.ts:11:26\)?$/);
  });

  test('is the same script every time', async () => {
    const [first, second] = await Promise.all([compiler.compileAgent(files), compiler.compileAgent(files)]);
    expect(second).toEqual(first);
  });

  test.each([
    ['import fs from "node:fs"; fs', '1:16', /"node:fs" can not be imported; allowed are "seed-agent\/agent"/],
    ['\n  import { z } from "zod"; z', '2:21', /"zod" can not be imported/],
    ['import a from "./missing.ts"; a', '1:15', /"\.\/missing\.ts" is not in the agent's folder/],
    ['import { half } from "./lib/half"; half', '1:22', /did you mean "\.\/lib\/half\.ts"/],
    ['import a from "../../../../etc/passwd"; a', '1:15', /is not in the agent's folder/],
    ['import a from "/etc/passwd"; a', '1:15', /can not be imported/],
    ['import a from "./README.md"; a', '1:15', /only \.ts and \.json files/],
    ['import c from "./contract.ts"; c', '1:15', /only be imported as types/],
    ['import c from "./lib/../contract.ts"; c', '1:15', /only be imported as types/],
    ['import e from "./evals/evaluation.ts"; e', '1:15', /belongs to the evaluation/],
    ['export * from "./evals/draw.ts"', '1:15', /belongs to the evaluation/],
    ['import { z } from "seed-agent/agent"; z', '1:10', /schemas belong in contract\.ts/],
    ['import { q } from "seed-agent/agent"; q', '1:10', /has no q/],
    ['export const a = require("fs")', '1:26', /does not exist in an isolate/],
    ['export const a = () => import("./lib/half.ts")', '1:31', /import\(\) does not exist/],
    ['export const é = "ü"; export const a: = 1', '1:39', /Unexpected/],
    ['export default import.meta.url', '1:16', /import\.meta/],
    ['await 1; export default 2', '1:1', /Top-level await/],
    ['const a = 1; a = 2; export default a', '1:14', /assign to "a"/],
    [`export default 1;\n${'('.repeat(5_000)}`, '2:2001', /nested more than 2000 deep/],
  ])('refuses %s', async (text, position, message) => {
    const refusal = await compiler.compileAgent(withAgent(text)).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'compile_failed', message: expect.stringMatching(new RegExp(`^agent\\.ts:${position}: `)) });
    expect((refusal as Error).message).toMatch(message);
    const [line, column] = position.split(':').map(Number);
    expect((refusal as { details: unknown[] }).details[0]).toMatchObject({ file: 'agent.ts', line, column });
  });

  test.each([
    [{ '../agent.ts': '' }, 'invalid_input'],
    [{ 'lib/../../x.ts': '' }, 'invalid_input'],
    [{ '/etc/passwd': '' }, 'invalid_input'],
    [{ 'lib//x.ts': '' }, 'invalid_input'],
    [{ 'lib\\x.ts': '' }, 'invalid_input'],
    [{ '.env': '' }, 'invalid_input'],
    [{ 'a..b.ts': '' }, 'invalid_input'],
    [{ 'lib/\0.ts': '' }, 'invalid_input'],
    [{ ['x'.repeat(101)]: '' }, 'invalid_input'],
    [{ 'a/b/c/d/e/f/g/h/i.ts': '' }, 'invalid_input'],
    [{ 'big.ts': 'ü'.repeat(524_289) }, 'payload_too_large'],
    [Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`${name}.ts`, ' '.repeat(1_000_000)])), 'payload_too_large'],
    [Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`f${index}.ts`, ''])), 'payload_too_large'],
  ])('refuses the folder of case %#', async (extra, code) => {
    await expect(compiler.compileAgent({ ...files, ...extra })).rejects.toMatchObject({ code });
  });

  test('says which file is missing', async () => {
    await expect(compiler.compileAgent({ 'contract.ts': '' })).rejects.toMatchObject({
      code: 'invalid_input',
      message: 'there is no agent.ts',
    });
  });
});

describe('compileEvaluation', () => {
  test('builds the evaluation with the files of its folder', async () => {
    const { js } = await compiler.compileEvaluation(files);
    expect(run(js).default.sample()).toBe(4);
  });

  test('refuses code that a version can change', async () => {
    const peeking = { ...files, 'evals/evaluation.ts': 'import { priority } from "../agent.ts";\nexport default priority;' };
    await expect(compiler.compileEvaluation(peeking)).rejects.toMatchObject({
      code: 'compile_failed',
      message: expect.stringContaining('evals/evaluation.ts:1:26: "agent.ts" can change with a version'),
    });
  });
});

test('a contract can not be built from code that a version can change', async () => {
  const lured = { ...files, 'contract.ts': 'import { half } from "./lib/half.ts";\nexport default half;' };
  await expect(compiler.compileContract(lured)).rejects.toMatchObject({
    message: expect.stringContaining('contract.ts:1:22: "lib/half.ts" can change'),
  });
});

test('files on the disk are never mixed up with those of the folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seed-compiler-'));
  const before = process.cwd();
  try {
    await writeFile(join(folder, 'agent.ts'), 'export default "from the disk";');
    await writeFile(join(folder, 'entry'), 'export default "from the disk";');
    process.chdir(folder);
    const other = new Compiler();
    const { js } = await other.compileAgent(withAgent('export default "from the folder";'));
    await other.close();
    expect(js).toContain('from the folder');
    expect(js).not.toContain('from the disk');
  } finally {
    process.chdir(before);
    await rm(folder, { recursive: true });
  }
});

describe('the process behind it', () => {
  /** Children of this process that are esbuild. */
  async function compilerPids(): Promise<number[]> {
    const pids: number[] = [];
    for (const task of await readdir('/proc/self/task')) {
      const children = await readFile(`/proc/self/task/${task}/children`, 'utf8').catch(() => '');
      for (const pid of children.split(' ').filter(Boolean)) {
        const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (command.includes('--service=')) pids.push(Number(pid));
      }
    }
    return pids;
  }

  test('is started by the first compilation, and ended by close', async () => {
    const before = await compilerPids();
    const other = new Compiler();
    expect(await other.version()).toMatch(/^esbuild \d/);
    expect(await compilerPids()).toEqual(before);
    await other.close();
    await expect(other.compileAgent(files)).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.skipIf(process.platform !== 'linux')('may be killed at any time without failing a compilation', async () => {
    await compiler.compileAgent(files);
    for (let round = 0; round < 5; round += 1) {
      const [pid] = await compilerPids();
      expect(pid).toBeDefined();
      const compiling = Promise.all(Array.from({ length: 20 }, (_, index) => compiler.compileAgent(withAgent(`export default ${index};`))));
      process.kill(pid ?? 0, 'SIGKILL');
      const bundles = await compiling;
      expect(bundles.map(({ js }) => /agent_default = (\d+)/.exec(js)?.[1])).toEqual(
        Array.from({ length: 20 }, (_, index) => String(index)),
      );
    }
  });
});
