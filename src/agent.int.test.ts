import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Type-checks text as an author's folder is. @returns what tsc says, one line an error */
async function check(files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'seed-types-'));
  try {
    await mkdir(join(folder, 'node_modules'));
    await symlink(root, join(folder, 'node_modules', 'seed-agent'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const settings = { extends: join(root, 'agents', 'tsconfig.json'), include: ['./*.ts', join(root, 'agents', 'globals.d.ts')] };
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const { stdout } = await promisify(execFile)(join(root, 'node_modules', '.bin', 'tsc'), [
      '-p',
      folder,
      '--noEmit',
      '--pretty',
      'false',
    ]).catch((error: { stdout: string }) => error);
    return stdout.split('\n').filter((line) => line.includes('error TS'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const contract = `import { contract, z } from 'seed-agent/agent';
export default contract({
  name: 'packer', summary: 'Packs.',
  exports: {
    handle: { kind: 'call', input: z.object({ size: z.number(), note: z.string().default('') }), output: z.object({ bin: z.int() }) },
    start: { kind: 'lifecycle' },
    priority: { kind: 'evolvable', parameters: { item: { min: 1, max: 150, integer: true } } },
  },
  capabilities: ['state', 'log'],
});
`;

test('an agent and its evaluation get their types from the contract', async () => {
  const errors = await check({
    'contract.ts': contract,
    'agent.ts': `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';
export function priority(item: number): number { return -item; }
export default agent<typeof contract, { bins: number[] }>({
  async handle(input, ctx) {
    const { bins } = (await ctx.state.get()) ?? { bins: [] };
    ctx.log.info(input.note.trim(), { size: input.size, key: ctx.key, who: ctx.principal.id });
    await ctx.state.set({ bins: [...bins, input.size] });
    return { bin: bins.length };
  },
  start: (ctx) => ctx.log.debug('here', { agent: ctx.agent }),
});
`,
    'evaluation.ts': `import { evaluation } from 'seed-agent/agent';
import type contract from './contract.ts';
export default evaluation<typeof contract, number[]>({
  bestPossible: 0,
  sample: (set, random) => [set.length, random()],
  inside: (sample, candidate) => candidate.priority(sample[0] ?? 0),
  *session(sample) {
    let bins = 0;
    for (const size of sample) bins += (yield { size }).bin;
    return { score: bins, detail: sample };
  },
});
`,
    'globals.ts': `export const made = [new URL('a', 'http://b').searchParams.get('c'), structuredClone({ a: 1 }).a, new TextEncoder().encode('é').length,
  new TextDecoder().decode(new Uint8Array(2)), AbortSignal.abort().aborted, [3, 1].toSorted(), Object.groupBy([1], String), Promise.withResolvers()];
console.warn(made);
`,
  });
  expect(errors).toEqual([]);
});

test('fetch and call are in ctx where they are granted', async () => {
  const granting = contract.replace(
    `capabilities: ['state', 'log'],`,
    `capabilities: ['fetch', 'call'], grants: { fetch: { hosts: ['api.example.com'] }, call: { agents: ['other'] } },`,
  );
  const errors = await check({
    'contract.ts': granting,
    'agent.ts': `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';
export default agent<typeof contract>({
  async handle(input, ctx) {
    const { status, text } = await ctx.fetch(new URL('https://api.example.com/'), { method: 'POST', headers: { a: 'b' }, body: input.note });
    const answer = (await ctx.call('other', { text }, { key: 'k', idempotencyKey: '1' })) as { n: number };
    return { bin: answer.n + status };
  },
  start: (ctx) => void ctx.fetch('https://api.example.com/', { as: 'base64' }),
});
`,
  });
  expect(errors).toEqual([]);
});

test('what the contract does not say, and what an isolate does not have, is an error in the editor', async () => {
  const wrong = [
    `agent<typeof contract>({ handle: () => ({ bin: 'x' }), start() {} });`,
    `agent<typeof contract>({ handle: (input) => ({ bin: input.weight }), start() {} });`,
    `agent<typeof contract>({ handle: (_, ctx) => ({ bin: ctx.now() }), start() {} });`,
    `agent<typeof contract>({ handle: () => ({ bin: 1 }) });`,
    `agent<typeof contract>({ handle: () => ({ bin: 1 }), start() {}, other() {} });`,
    `process.exit();`,
    `setTimeout(() => {}, 1);`,
    `fetch('http://a');`,
    `new SharedArrayBuffer(1);`,
    `Atomics.load(new Int32Array(1), 0);`,
    `new WeakRef({});`,
    `new FinalizationRegistry(() => {});`,
    `WebAssembly.validate(new Uint8Array(1));`,
    `Buffer.from('a');`,
    `performance.now();`,
    `crypto.randomUUID();`,
    `document.title;`,
    `enum Colour { red }`,
  ];
  const files = Object.fromEntries(
    wrong.map((text, index) => [
      `w${index}.ts`,
      `import { agent } from 'seed-agent/agent';\nimport type contract from './contract.ts';\nvoid agent<typeof contract>;\n${text}\nexport {};\n`,
    ]),
  );
  const errors = await check({ 'contract.ts': contract, ...files });
  const found = wrong.map((text, index) => [text, errors.some((line) => line.includes(`w${index}.ts(4,`))]);
  expect(found).toEqual(wrong.map((text) => [text, true]));
});

test('a handler that its contract says streams yields what the contract says of a chunk, and nothing else may', async () => {
  const streaming = contract.replace("handle: { kind: 'call',", "handle: { kind: 'call', stream: true,");
  const agentOf = (handle: string): string => `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';
export default agent<typeof contract>({ ${handle}, start: () => {} });
`;
  expect(await check({ 'contract.ts': streaming, 'agent.ts': agentOf('async *handle(input) { yield { bin: input.size }; }') })).toEqual([]);
  expect(await check({ 'contract.ts': streaming, 'agent.ts': agentOf('async *handle() { yield 1; }') })).toHaveLength(1);
  expect(await check({ 'contract.ts': streaming, 'agent.ts': agentOf('handle: () => ({ bin: 1 })') })).toHaveLength(1);
  expect(await check({ 'contract.ts': contract, 'agent.ts': agentOf('async *handle() { yield { bin: 1 }; }') })).toHaveLength(1);
});
