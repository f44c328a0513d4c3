// An agent of about 7 KB: some thirty functions, of which each version changes one number.

export const CONTRACT = `import { contract, z } from 'seed-agent/agent';

export default contract({
  name: 'swapped',
  summary: 'the agent that is swapped a thousand times',
  exports: { handle: { kind: 'call', input: z.object({ n: z.int() }), output: z.object({ n: z.int(), version: z.int() }) } },
  examples: [{ input: { n: 1 } }],
});
`;

export function agentSource(version: number): string {
  const steps = Array.from({ length: 32 }, (_, index) => {
    const next = index === 31 ? 'mixed' : `step${index + 1}(mixed)`;
    return `/** Step ${index} of a chain that only makes the file as long as a real one. */
function step${index}(value: number): number {
  const mixed = (value * ${index + 2} + ${index}) % 9973;
  return mixed % 2 === 0 ? ${next} : ${next} + 1;
}
`;
  });
  return `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';

${steps.join('\n')}
export default agent<typeof contract>({
  handle(input) {
    return { n: step0(input.n), version: ${version} };
  },
});
`;
}
