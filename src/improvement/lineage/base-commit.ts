// The commit that a version of the code store stands for; written down when it never was.
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
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
  return lineage.record(`${agent}/live`, {
    subject: `${agent} v${version}`,
    body: '',
    note: { agent, proposer: 'manual', verdict: 'accepted', version, hash },
    files: withoutEvaluation(sources),
    // A fixed moment: the same version is the same commit wherever it is written down.
    author: { name: 'manual', atMs: 0 },
    parent: null,
  });
}

/** What scores an agent is not for the eyes of who betters it. */
export function withoutEvaluation(sources: SourceFiles): SourceFiles {
  return Object.fromEntries(Object.entries(sources).filter(([path]) => !path.startsWith('evals/')));
}
