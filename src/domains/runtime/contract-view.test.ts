import { expect, test } from 'vitest';
import { contractSchema } from '#kernel/compiler/contract.ts';
import { contractView } from './contract-view.ts';

test('nothing that a contract says is left out', () => {
  const contract = contractSchema.parse({
    contract: 1,
    name: 'whole',
    summary: 'says everything there is to say',
    exports: [
      { kind: 'call', name: 'handle', input: { type: 'object' }, output: {}, stream: true },
      { kind: 'evolvable', name: 'weigh', summary: 'weighs', parameters: [{ name: 'x', min: 0, max: 1, integer: true }] },
    ],
    examples: [{ input: {}, output: 1 }],
    capabilities: ['fetch', 'call', 'state'],
    grants: { fetch: { hosts: ['api.example.com'] }, call: { agents: ['other'] } },
    limits: { streamMs: 1_000 },
    state: { version: 2, schema: { type: 'object' } },
    isolation: 'key',
    objective: { name: 'loss', direction: 'minimize' },
    improvement: { approval: 'rule', automatic: { everyMs: 60_000, proposer: 'genetic' }, search: { microUsd: 5 } },
  });
  expect(contractView.parse(contract)).toEqual(contract);
});
