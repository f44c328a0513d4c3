// Small agents for end-to-end tests, as uploads.

export function contractOf(name: string, extra = '', exports = ''): string {
  return `import { contract, z } from 'seed-agent/agent';

export default contract({
  name: '${name}',
  summary: 'for tests',
  exports: {
    handle: { kind: 'call', input: z.object({ n: z.int() }), output: z.object({ n: z.int() }) },
    ${exports}
  },
  ${extra}
});
`;
}

export function agentOf(body: string): string {
  return `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';

export default agent<typeof contract>({
  handle(input, ctx) {
    ${body}
  },
});
`;
}

export function upload(name: string, body: string, extra = ''): { from: Record<string, string> } {
  return { from: { 'contract.ts': contractOf(name, extra), 'agent.ts': agentOf(body) } };
}

export const DOUBLE = 'return { n: input.n * 2 };';
