// The commit that a version of the code store stands for; written down when it never was.
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { handMadeRecord, liveBranch } from './candidate-record.ts';
import type { Lineage } from './lineage.ts';

export interface BaseCommit {
  agent: string;
  hash: string;
  version: number;
  sources: SourceFiles;
}

export async function baseCommit(lineage: Lineage, { agent, hash, version, sources }: BaseCommit): Promise<string> {
  const known = await lineage.commitOf(hash);
  if (known !== null) return known;
  const record = handMadeRecord({ agent, hash, version, parent: null, proposer: 'manual', sources });
  return lineage.record(liveBranch(agent), { ...record, parent: null });
}
