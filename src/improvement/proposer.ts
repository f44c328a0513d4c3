// Port: whatever makes candidates for better code, from genetic programming to a coding agent.
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import type { ContractData } from '#kernel/compiler/contract.ts';
import type { ChangedFiles, SearchProgress } from './events.ts';

/** What is to be scored. */
export interface Candidate {
  /** The files that differ from the version to better; protected ones are refused. */
  files: ChangedFiles;
  /**
   * Where nothing changed but bodies of evolvable functions: the text between their braces by function name, plain
   * JavaScript. An evaluator may put them into a script it has built before instead of building `files` again.
   */
  bodies?: Readonly<Record<string, string>>;
}

export interface EvaluateOptions {
  /** One selection sample a seed; the same seed is the same sample for every candidate of this proposal. */
  seeds: readonly number[];
  /** A candidate may be given up as soon as its mean is certain to be worse than this score. */
  stopAt?: number;
  /**
   * … or as soon as the mean of its first scores is worse than what stands here: after the first score the first number, after two
   * the second, and so on. A cascade: most candidates show on one draw that they are not worth the others.
   */
  paceAt?: readonly number[];
  /** inside: the evaluation's own quick loop. outside: call by call, as callers do it, with what it tells of each sample. Default inside. */
  feed?: 'inside' | 'outside';
}

/** What the selection set said about one candidate. */
export type CandidateScore =
  | {
      ok: true;
      /** One a seed, in their order; fewer where the evaluator stopped early. */
      scores: readonly number[];
      /** Given up because of `stopAt` or `paceAt`. */
      stopped: boolean;
      /** What the evaluation tells of each sample besides its score, where the evaluator passes it on. */
      details?: readonly unknown[];
    }
  | { ok: false; reason: string };

/**
 * Scores candidates on the selection set, and only there: a proposer never sees validation or test.
 * Answers in the order of the candidates. Rejects when nothing can be scored at all (no evaluation, no host, cancelled).
 */
export type Evaluate = (candidates: readonly Candidate[], options: EvaluateOptions) => Promise<readonly CandidateScore[]>;

/** A candidate that was made before, by this proposal or by an earlier one for the same agent. */
export interface MadeBefore {
  /** See candidate-id.ts. */
  id: string;
  /** Of the candidate that it was made from; null: of a version. */
  parent: string | null;
  /** That differ from the version to better. */
  files: ChangedFiles;
}

export interface ProposalRequest {
  /** What the proposal is part of. */
  improvement: string;
  /** The version to better, by name. */
  base: { agent: string; hash: string; version: number };
  contract: ContractData;
  /** The version to better. */
  sources: SourceFiles;
  /** What a person asked for, in their words; may be empty. */
  goal: string;
  /** What happened to the live version in use, as text; may be empty. */
  evidence: string;
  /** Wall clock for the whole proposal. */
  budgetMs: number;
  /** For proposers that draw random numbers: the same seed and the same scores give the same candidates. */
  seed: number;
  evaluate: Evaluate;
  /** What this proposal has come to in a former life of the node: what was paid for is not paid for again. */
  before: {
    runs: number;
    /** Why runs came to nothing. */
    rejected: readonly string[];
    /** What they made all the same. */
    made: readonly MadeBefore[];
  };
  /** What earlier improvements of the agent have made and did not go live: something to begin from. Their scores were others' draws. */
  earlier: readonly MadeBefore[];
  /** Ends the proposal: the iteration then throws SeedError `cancelled`. */
  signal: AbortSignal;
}

export type ProposerEvent =
  | {
      type: 'progress';
      progress: SearchProgress;
    }
  /** What it is doing, for people who watch. */
  | { type: 'activity'; activity: { kind: 'text' | 'tool' | 'file'; text: string } }
  /** What a step has cost, on its own. */
  | { type: 'spent'; spent: { inputTokens: number; outputTokens: number; costMicroUsd: number; promptHash: string } }
  /** A finished attempt that came to nothing, with what it left. */
  | ({
      type: 'rejected';
      reason: string;
      files: ChangedFiles;
      score: number | null;
      note?: string;
    } & Provenance)
  | ({
      /** One finished proposal. They come best first by the proposer's own judgement; validation decides. */
      type: 'candidate';
      /** Mean selection score. */
      score: number;
      /** One line for people: how it came about. */
      note: string;
    } & Candidate &
      Provenance);

/** Where it comes from. */
export interface Provenance {
  /** Id of the candidate that it was made from. Default: the version to better. */
  parent?: string | null;
  /** One a draw of the selection set. */
  scores?: readonly number[];
  /** Of what was asked. */
  promptHash?: string;
}

export interface Proposer {
  /** Becomes the manifest's `proposer`: `genetic`, `claude-code`, `codex`. */
  readonly name: string;
  /** It asks nobody who is paid: caps on money do not hold it back. Default false. */
  readonly free?: boolean;
  /**
   * Works until the budget is used up or nothing more can be found, and ends after its last candidate; none at all when
   * it found nothing better.
   * @throws SeedError `invalid_input` when it can do nothing for this contract, `validation_failed` when the version to
   *   better can not be scored itself, `cancelled` after `signal`
   */
  propose(request: ProposalRequest): AsyncIterable<ProposerEvent>;
}
