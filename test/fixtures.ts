// Small agents for end-to-end tests, as uploads.
import assert from 'node:assert/strict';
import type { SeedProcess } from './seed-process.ts';

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

/** Adds the input to the state of its instance; needs the capability `state`. */
export const COUNTER =
  'return next(); async function next() { const n = ((await ctx.state.get<number>()) ?? 0) + input.n; await ctx.state.set(n); return { n }; }';

/** @throws Error for the first that is refused */
export async function createAgents(seed: SeedProcess, agents: readonly { from: Record<string, string> }[]): Promise<void> {
  const answers = await Promise.all(agents.map((agent) => seed.api('POST', '/api/agents', agent)));
  const refused = answers.find(({ status }) => status !== 201);
  if (refused !== undefined) throw new Error(`an agent was refused: ${JSON.stringify(refused.body)}`);
}

/** Whatever was sent: the agent `double` answers as before from its one version, and nobody else came in. @throws AssertionError */
export async function assertUnharmed(seed: SeedProcess, names: readonly string[]): Promise<void> {
  const called = await seed.api<{ data: unknown; version: number }>('POST', '/api/agents/double/invoke', { input: { n: 4 } });
  assert.deepEqual([called.body.data, called.body.version], [{ n: 8 }, 1]);
  const versions = await seed.api<{ data: { version: number; status: string }[] }>('GET', '/api/code/double/versions');
  assert.deepEqual(
    versions.body.data.map(({ version, status }) => `v${version} ${status}`),
    ['v1 active'],
  );
  const agents = await seed.api<{ data: { name: string }[] }>('GET', '/api/agents');
  assert.deepEqual(
    agents.body.data.map(({ name }) => name),
    names,
  );
}
