// Where candidates are written down for people.
import type { BaseVersion } from './base-version.ts';
import type { ChangedFiles } from './events.ts';

/** Port: who wrote what from which parent, for people. What goes wrong there stops nothing. */
export interface CandidateLog {
  record(candidate: LoggedCandidate): Promise<void>;
}

export interface LoggedCandidate {
  improvement: string;
  agent: string;
  proposer: string;
  /** Of the version it was made from, and its files. */
  base: BaseVersion & { version: number };
  /** Id of the candidate that it was made from; null: of that version as it is. */
  parent: string | null;
  files: ChangedFiles;
  note: string;
  /** `accepted`, or why not. */
  verdict: string;
  promptHash: string | null;
  costMicroUsd: number;
  selection: number | null;
  validation: number | null;
  test: number | null;
  staged: { hash: string; version: number } | null;
  approver: string | null;
}
