// A lineage in a folder of its own, and a candidate to write into it.
import { join } from 'node:path';
import { Lineage, type CandidateCommit } from './lineage.ts';

export const FILES = { 'agent.ts': 'export const n = 1;\n', 'contract.ts': 'export {};\n', 'lib/sum.ts': 'export {};\n' };

export function openLineage(root: string, searchPath: string): Lineage {
  return new Lineage({ folder: join(root, 'lineage.git'), scratch: join(root, 'scratch'), searchPath });
}

export function candidate(over: Partial<CandidateCommit> = {}): CandidateCommit {
  return {
    subject: 'packer: a better priority',
    body: '',
    note: { agent: 'packer', proposer: 'genetic', verdict: 'accepted' },
    files: FILES,
    author: { name: 'genetic', atMs: 1_700_000_000_000 },
    parent: null,
    ...over,
  };
}
