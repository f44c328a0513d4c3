// A small agent that every proposer can better: a search, because one of its functions is evolvable, and whoever writes code, because the
// whole of it is a few lines. It ought to answer a + 2b and answers a.

const CONTRACT = `import { contract, z } from 'seed-agent/agent';

const number = z.int().min(0).max(20);

export default contract({
  name: 'priced',
  summary: 'What two numbers cost together.',
  exports: {
    handle: { kind: 'call', input: z.object({ a: number, b: number }), output: z.object({ cost: z.number() }) },
    cost: {
      kind: 'evolvable',
      summary: 'The cost itself.',
      parameters: { a: { min: 0, max: 20, integer: true }, b: { min: 0, max: 20, integer: true } },
    },
  },
  limits: { cpuMs: 50, deadlineMs: 1_000, memoryMb: 32 },
  objective: { name: 'error', direction: 'minimize' },
});
`;

const EVALUATION = `import { evaluation } from 'seed-agent/agent';
import type contract from '../contract.ts';

interface Point {
  a: number;
  b: number;
}

const wanted = ({ a, b }: Point): number => a + 2 * b;

export default evaluation<typeof contract, Point[]>({
  bestPossible: 0,
  sample: (_set, random) => Array.from({ length: 20 }, () => ({ a: Math.floor(random() * 21), b: Math.floor(random() * 21) })),
  inside(points, candidate) {
    return points.reduce((sum, point) => sum + Math.abs(candidate.cost(point.a, point.b) - wanted(point)), 0) / points.length;
  },
  *session(points) {
    let sum = 0;
    for (const point of points) sum += Math.abs((yield point).cost - wanted(point));
    return { score: sum / points.length };
  },
});
`;

/** agent.ts with this as the body of \`cost\`. */
export function pricedAgent(body: string): string {
  return `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';

export function cost(a: number, b: number): number {
  ${body}
}

export default agent<typeof contract>({
  handle: ({ a, b }) => ({ cost: cost(a, b) }),
});
`;
}

export const PRICED = {
  'agent.ts': pricedAgent('return a;'),
  'contract.ts': CONTRACT,
  'evals/evaluation.ts': EVALUATION,
  'evals/README.md': 'The mean distance from what the two numbers really cost.\n',
};
