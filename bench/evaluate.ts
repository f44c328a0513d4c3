// Candidates a second for five times 500 items: any source (compile, policy, fresh isolate in an evaluator host), a search's
// candidate (its body spliced into a build, fresh isolate), a python3 process and a node process a candidate. Same heuristic,
// same items, same score; interleaved.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transform } from 'esbuild';
import { createBuildTemplate } from '#improvement/build-template.ts';
import { ThreadedCompiler } from '#kernel/compiler/threaded-compiler.ts';
import { SandboxHost } from '#kernel/sandbox/sandbox-host.ts';
import { contractSchema } from '#kernel/compiler/contract.ts';
import { spawnProcess } from '#lib/process.ts';
import type { Benchmark } from './benchmark.ts';
import { median, round, spread } from './report.ts';

const INSTANCES = 5;
const ITEMS = 500;
const CAPACITY = 100;
/** As many at a time as there are cores, on every side. */
const WORKERS = 2;

type Side = 'ours' | 'search' | 'python' | 'node';

export const evaluate: Benchmark = async ({ quick, say }) => {
  const rounds = quick ? 3 : 7;
  const candidatesOf: Record<Side, number> = {
    ours: quick ? 60 : 200,
    search: quick ? 60 : 200,
    python: quick ? 10 : 24,
    node: quick ? 10 : 24,
  };
  const folder = await mkdtemp(join(tmpdir(), 'seed-evaluate-'));
  const instances = drawInstances();
  await writeFile(join(folder, 'items.json'), JSON.stringify(instances));
  const compiler = new ThreadedCompiler();
  const hosts = await Promise.all(Array.from({ length: WORKERS }, () => SandboxHost.start({ shortLived: true })));
  const evaluation = await compiler.compileEvaluation({ 'evals/evaluation.ts': evaluationSource(instances) });
  const limits = contractSchema.shape.limits.parse({ cpuMs: 5_000 });
  let number = 0;

  const template = await createBuildTemplate(
    { 'agent.ts': agentSource(0) },
    { names: ['priority'], build: async (files) => (await compiler.compileChecked(files)).js },
  );

  async function score(candidateJs: string, worker: number): Promise<number> {
    const outcome = await hosts[worker]?.evaluate({
      agent: 'packer',
      candidateJs,
      evaluationJs: evaluation.js,
      limits,
      capabilities: [],
      set: 'selection',
      seeds: [1],
      feed: 'inside',
      deadlineMs: 10_000,
    });
    if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome));
    return outcome.scores[0] ?? Number.NaN;
  }

  const sides: Record<Side, (candidate: number, worker: number) => Promise<number>> = {
    ours: async (candidate, worker) => score((await compiler.compileChecked({ 'agent.ts': agentSource(candidate) })).js, worker),
    search: (candidate, worker) => score(template({ priority: body(candidate) }), worker),
    async python(candidate, worker) {
      const file = join(folder, `candidate-${worker}.py`);
      await writeFile(file, pythonSource(candidate, folder));
      return runProcess('python3', [file]);
    },
    async node(candidate, worker) {
      const file = join(folder, `candidate-${worker}.mjs`);
      const { code } = await transform(nodeSource(candidate, folder), { loader: 'ts', format: 'esm' });
      await writeFile(file, code);
      return runProcess(process.execPath, [file]);
    },
  };

  const expected = await sides.python(0, 0);
  for (const side of ['ours', 'search', 'node'] as const) {
    const scored = await sides[side](0, 0);
    if (scored !== expected) throw new Error(`${side} scores ${scored}, python ${expected}: they do not do the same`);
  }
  const rates: Record<Side, number[]> = { ours: [], search: [], python: [], node: [] };
  for (let current = 1; current <= rounds; current += 1) {
    for (const side of ['ours', 'search', 'python', 'node'] as const) {
      const count = candidatesOf[side];
      const startedMs = performance.now();
      let taken = 0;
      await Promise.all(
        // Two in flight for each of our hosts: while one is scored, the next is compiled.
        Array.from({ length: side === 'ours' || side === 'search' ? WORKERS * 2 : WORKERS }, async (_, worker) => {
          while (taken < count) {
            taken += 1;
            await sides[side]((number += 1), worker % WORKERS);
          }
        }),
      );
      rates[side].push(count / ((performance.now() - startedMs) / 1000));
    }
    say(
      `round ${current} of ${rounds}: any source ${rates.ours.at(-1)?.toFixed(0)}/s, search ${rates.search.at(-1)?.toFixed(0)}/s, python ${rates.python.at(-1)?.toFixed(1)}/s, node ${rates.node.at(-1)?.toFixed(1)}/s`,
    );
  }
  await Promise.all(hosts.map((host) => host.close()));
  await compiler.close();
  await rm(folder, { recursive: true });
  const ratios = (side: Side, other: 'python' | 'node'): number[] =>
    rates[side].map((rate, index) => rate / (rates[other][index] ?? Number.NaN));
  const row = (name: string, side: Side) => ({
    name,
    values: {
      'per s': round(median(rates[side]), 1),
      spread: spread(rates[side], 1),
      '× python': round(median(ratios(side, 'python')), 1),
      '× node': round(median(ratios(side, 'node')), 1),
    },
  });
  return {
    rows: [
      row('any source: compile, policy, fresh isolate', 'ours'),
      row('in a search: body spliced in, fresh isolate', 'search'),
      row('python3 process a candidate', 'python'),
      row('node process a candidate', 'node'),
    ],
    // What a search does all day; and what a candidate costs that any other proposer wrote.
    figures: {
      per_s: round(median(rates.search), 1),
      python_ratio: round(median(ratios('search', 'python')), 2),
      node_ratio: round(median(ratios('search', 'node')), 2),
      any_source_per_s: round(median(rates.ours), 1),
      any_source_python_ratio: round(median(ratios('ours', 'python')), 2),
      any_source_node_ratio: round(median(ratios('ours', 'node')), 2),
    },
  };
};

function drawInstances(): number[][] {
  let state = 12_345;
  const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
  return Array.from({ length: INSTANCES }, () =>
    Array.from({ length: ITEMS }, () => Math.min(CAPACITY, Math.max(1, Math.round(45 * (-Math.log(1 - next())) ** (1 / 3))))),
  );
}

function body(candidate: number): string {
  return `return ${candidate} - (residual - item);`;
}

/** The candidates differ in a number, so that none is in a cache; what they decide stays the same: best fit. */
function agentSource(candidate: number): string {
  return `import { agent } from 'seed-agent/agent';
export function priority(item: number, residual: number): number {
  ${body(candidate)}
}
export default agent({} as never);
`;
}

function evaluationSource(instances: readonly (readonly number[])[]): string {
  return `import { evaluation } from 'seed-agent/agent';
const INSTANCES: number[][] = ${JSON.stringify(instances)};
type Candidate = { priority: (item: number, residual: number) => number };
${packSource('number')}
export default evaluation({
  sample: () => INSTANCES,
  inside: (sample: unknown, candidate: unknown) =>
    (sample as number[][]).reduce((sum, items) => sum + pack(items, (candidate as Candidate).priority), 0),
  *session() { return { score: 0 }; },
} as never);
`;
}

function packSource(type: '' | 'number'): string {
  const of = (name: string): string => (type === '' ? '' : name);
  return `function pack(items${of(': number[]')}, priority${of(': (item: number, residual: number) => number')})${of(': number')} {
  const residuals${of(': number[]')} = [];
  for (const item of items) {
    let best = -1;
    let bestPriority = -Infinity;
    for (let bin = 0; bin < residuals.length; bin += 1) {
      const residual = residuals[bin]${of(' ?? 0')};
      if (residual < item) continue;
      const value = priority(item, residual);
      if (value > bestPriority) { bestPriority = value; best = bin; }
    }
    if (best === -1) residuals.push(${CAPACITY} - item);
    else residuals[best] = (residuals[best]${of(' ?? 0')}) - item;
  }
  return residuals.length;
}`;
}

function nodeSource(candidate: number, folder: string): string {
  return `import { readFileSync } from 'node:fs';
const instances = JSON.parse(readFileSync(${JSON.stringify(join(folder, 'items.json'))}, 'utf8'));
const priority = (item, residual) => ${candidate} - (residual - item);
${packSource('')}
console.log(instances.reduce((sum, items) => sum + pack(items, priority), 0));
`;
}

function pythonSource(candidate: number, folder: string): string {
  return `import json
def priority(item, residual):
    return ${candidate} - (residual - item)
def pack(items):
    residuals = []
    for item in items:
        best = -1
        best_priority = float('-inf')
        for index, residual in enumerate(residuals):
            if residual < item:
                continue
            value = priority(item, residual)
            if value > best_priority:
                best_priority = value
                best = index
        if best == -1:
            residuals.append(${CAPACITY} - item)
        else:
            residuals[best] -= item
    return len(residuals)
with open(${JSON.stringify(join(folder, 'items.json'))}) as file:
    print(sum(pack(items) for items in json.load(file)))
`;
}

async function runProcess(command: string, args: readonly string[]): Promise<number> {
  const handle = spawnProcess(command, args, {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'inherit'],
    dieWithParent: false,
  });
  let text = '';
  handle.pipe(1).on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exit = await handle.exited;
  if (exit.code !== 0) throw new Error(`${command} ended with ${JSON.stringify(exit)}`);
  return Number(text);
}
