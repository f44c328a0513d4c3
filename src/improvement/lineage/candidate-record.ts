// What is written down of a candidate or of a version made by hand: the same, whether it is told when it happens or found in the store later.
import { timeOfUuidv7 } from '#lib/id.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { candidateId } from '../archive/candidate-id.ts';
import type { LoggedCandidate } from '../candidate-log.ts';
import type { CandidateRecord } from './candidate-commit.ts';

/** A version that no improvement has made. */
export interface HandMade {
  agent: string;
  hash: string;
  version: number;
  /** Hash of the version it was made from; null: nobody says. */
  parent: string | null;
  proposer: string;
  sources: SourceFiles;
}

/** Of what it was made from only the files are needed. */
export type ToldCandidate = Omit<LoggedCandidate, 'base'> & { base: Pick<LoggedCandidate['base'], 'hash' | 'sources'> };

/** Where the versions of an agent are, one after the other. */
export function liveBranch(agent: string): string {
  return `${agent}/live`;
}

/** @param id see candidate-id.ts */
export function branchOf(agent: string, id: string): string {
  return `${agent}/${id}`;
}

/** The same candidate again is the same branch. */
export function candidateBranch({ agent, improvement, files }: Pick<LoggedCandidate, 'agent' | 'improvement' | 'files'>): string {
  return branchOf(agent, candidateId(improvement, files));
}

export function candidateRecord(candidate: ToldCandidate): CandidateRecord {
  const { improvement, agent, proposer, base, parent, files, note, verdict, staged } = candidate;
  const { promptHash, costMicroUsd, selection, validation, test, approver } = candidate;
  const words = note || 'a candidate';
  return {
    subject: staged === null ? `${agent}: ${words}` : `${agent} v${staged.version}: ${words}`,
    body: verdict === 'accepted' ? '' : `Refused: ${verdict}`,
    note: {
      agent,
      improvement,
      parent: base.hash,
      proposer,
      verdict: verdict === 'accepted' ? verdict : 'rejected',
      costMicroUsd,
      ...known({ madeFrom: parent, promptHash, selection, validation, test, approver }),
      ...staged,
    },
    files: withoutEvaluation({ ...base.sources, ...files }),
    author: { name: proposer, atMs: timeOfUuidv7(improvement) },
  };
}

export function handMadeRecord({ agent, hash, version, parent, proposer, sources }: HandMade): CandidateRecord {
  return {
    subject: `${agent} v${version}`,
    body: '',
    note: { agent, ...known({ parent }), proposer, verdict: 'accepted', version, hash },
    files: withoutEvaluation(sources),
    // A fixed moment: the same version is the same commit wherever it is written down.
    author: { name: proposer, atMs: 0 },
  };
}

/** What scores an agent is not for the eyes of who betters it. */
export function withoutEvaluation(sources: SourceFiles): SourceFiles {
  return Object.fromEntries(Object.entries(sources).filter(([path]) => !path.startsWith('evals/')));
}

function known<T extends Record<string, string | number | null>>(values: T): { [K in keyof T]?: Exclude<T[K], null> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as { [K in keyof T]?: Exclude<T[K], null> };
}
