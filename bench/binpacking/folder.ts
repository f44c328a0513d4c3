// The folder of an agent that packs one family's bins: what evolves is `priority`, scored by the packer's own loop and books.
import { readFile } from 'node:fs/promises';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import type { Family } from './family.ts';

const PACKER = new URL('../../agents/packer/evals/', import.meta.url);
const SHARED = ['instances.ts', 'ledger.ts', 'packing.ts'];

export async function familyFolder(family: Family): Promise<SourceFiles> {
  const shared = await Promise.all(SHARED.map(async (file) => [`evals/${file}`, await readFile(new URL(file, PACKER), 'utf8')] as const));
  return {
    'contract.ts': contractSource(family),
    'agent.ts': agentSource(family),
    'evals/evaluation.ts': evaluationSource(family),
    ...Object.fromEntries(shared),
  };
}

/** The agent with another body of `priority`. */
export function withPriority(family: Family, body: string): { 'agent.ts': string } {
  return { 'agent.ts': agentSource(family, body) };
}

function contractSource({ name, capacity, sizes: { min, max } }: Family): string {
  return `import { contract, z } from 'seed-agent/agent';

export default contract({
  name: 'packer-${name}',
  summary: 'Online bin packing of one family of lists.',
  exports: {
    handle: {
      kind: 'call',
      input: z.object({ item: z.int().min(${min}).max(${max}), list: z.int().min(0).describe('A new number is a new list, with no bin open.') }),
      output: z.object({ bin: z.int().min(0), opened: z.boolean() }),
    },
    priority: {
      kind: 'evolvable',
      summary: 'How much the item wants into a bin with this free space; it goes where the number is highest.',
      parameters: {
        item: { min: ${min}, max: ${max}, integer: true },
        residual: { min: ${min}, max: ${capacity}, integer: true },
      },
    },
  },
  capabilities: ['state'],
  limits: { cpuMs: 500, deadlineMs: 5_000, memoryMb: 64 },
  objective: { name: 'excess', unit: '%', direction: 'minimize' },
});
`;
}

/** Every bin stays open; the lowest index wins ties. It begins as best fit. */
function agentSource({ capacity }: Family, body = 'return item - residual;'): string {
  return `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';

interface Packing {
  list: number;
  /** Free space of each bin. */
  residuals: number[];
}

export function priority(item: number, residual: number): number {
  ${body}
}

export default agent<typeof contract, Packing>({
  async handle({ item, list }, ctx) {
    const known = await ctx.state.get();
    const packing = known?.list === list ? known : { list, residuals: [] };
    const { residuals } = packing;
    let bin = residuals.length;
    let highest = rank(priority(item, ${capacity}));
    for (let index = residuals.length - 1; index >= 0; index -= 1) {
      const residual = residuals[index]!;
      if (residual < item) continue;
      const value = rank(priority(item, residual));
      if (value < highest) continue;
      highest = value;
      bin = index;
    }
    const opened = bin === residuals.length;
    residuals[bin] = (residuals[bin] ?? ${capacity}) - item;
    await ctx.state.set(packing);
    return { bin, opened };
  },
});

function rank(value: number): number {
  return Number.isFinite(value) ? value : -Infinity;
}
`;
}

function evaluationSource({ name, capacity, training, validation, columns }: Family): string {
  const reported = Object.fromEntries(columns.map(({ key, task }) => [key, [task]]));
  return `import { evaluation } from 'seed-agent/agent';
import { ${name} } from './instances.ts';
import { ledger } from './ledger.ts';
import { binsUsed, lowerBound } from './packing.ts';

const CAPACITY = ${capacity};
const TRAINING = ${JSON.stringify(training)};
const VALIDATION = ${JSON.stringify(validation)};
const REPORTED = ${JSON.stringify(reported)};

function draw(tasks, random) {
  return tasks.map(({ items, lists }) => Array.from({ length: lists }, () => ${name}(items, random).items));
}

/** Bins above the lower bound, in per cent of it: over each task's lists together, then the mean over the tasks. */
function excess(sample, binsOf) {
  let sum = 0;
  for (const lists of sample) {
    let bins = 0;
    let bound = 0;
    for (const items of lists) {
      bins += binsOf(items);
      bound += lowerBound(items, CAPACITY);
    }
    sum += (100 * (bins - bound)) / bound;
  }
  return sum / sample.length;
}

function* session(sample) {
  const bins = [];
  for (const items of sample.flat()) {
    const { fills, place } = ledger(CAPACITY);
    for (const item of items) place(item, yield { item, list: bins.length });
    bins.push(fills.length);
  }
  let next = 0;
  return { score: excess(sample, () => bins[next++]) };
}

export default evaluation({
  bestPossible: 0,
  sample: (set, random) => draw(set === 'selection' ? TRAINING : VALIDATION, random),
  inside: (sample, candidate) => excess(sample, (items) => binsUsed(items, CAPACITY, candidate.priority)),
  session,
  reported: Object.fromEntries(
    Object.entries(REPORTED).map(([task, tasks]) => [task, { sample: (random) => draw(tasks, random), session }]),
  ),
});
`;
}
