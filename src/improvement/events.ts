// The life of one improvement as events. Every stage leaves what the next one needs, so that it can go on after a crash.

import { formatDuration } from '#lib/duration.ts';

/** Where an improvement stands; waiting: for leave to go live. The last six are ends. */
export type ImprovementPhase =
  | 'queued'
  | 'generating'
  | 'validating'
  | 'staged'
  | 'waiting'
  | 'promoting'
  | 'verifying'
  | 'live'
  | 'no_gain'
  | 'rejected'
  | 'rolled_back'
  | 'failed'
  | 'cancelled';

export const ENDED: readonly ImprovementPhase[] = ['live', 'no_gain', 'rejected', 'rolled_back', 'failed', 'cancelled'];

/** The files of a candidate that differ from the version it was made from. */
export type ChangedFiles = Readonly<Record<string, string>>;

export interface ProposedCandidate {
  files: ChangedFiles;
  /** Mean score on the selection draws that its proposer ended with. */
  selection: number;
  note: string;
  /** See archive/candidate-id.ts. Older ones have none. */
  id?: string;
  /** One a draw. Absent where nobody said. */
  scores?: readonly number[];
  /** Of what its author was asked. */
  promptHash?: string;
  /** Id of the candidate that it was made from; absent or null: the version to better. */
  parent?: string | null;
}

/** A run that came to nothing, and what it made all the same. */
export interface RejectedAttempt {
  reason: string;
  /** The other fields are absent where it left nothing. */
  files?: ChangedFiles;
  id?: string;
  selection?: number | null;
  note?: string;
  scores?: readonly number[];
  promptHash?: string;
  parent?: string | null;
}

export interface ProposerSpent {
  inputTokens: number;
  outputTokens: number;
  /** 0 where the program does not say. */
  costMicroUsd: number;
  promptHash: string;
}

/** Scores of a candidate beside those of the base version on the same draws. */
export interface PairedScores {
  base: readonly number[];
  candidate: readonly number[];
}

export interface PairedReport {
  draws: number;
  baseMean: number;
  mean: number;
  /** In the direction of the objective: positive is better. */
  gain: number;
  /** gain / |baseMean| */
  relativeGain: number;
  /** 95 % confidence interval of the gain. Absent in what was written down before there was one. */
  gainLow?: number;
  gainHigh?: number;
  wins: number;
  losses: number;
  /** One-sided, of a paired permutation test: how likely so large a gain would be by luck. */
  p: number;
}

/** A task that decides nothing; `failed` says why it could not be scored. */
export type TaskReport = { task: string; report: PairedReport } | { task: string; failed: string };

interface EventOf<Type extends string, Data> {
  type: Type;
  data: Data;
}

export type ImprovementEvent =
  | EventOf<
      'improvement_queued',
      {
        id: string;
        /** The job that runs it. */
        jobId: string;
        agent: string;
        proposer: string;
        trigger: string;
        goal: string;
        budgetMs: number;
        /** Of the search. */
        seed: number;
        /** From which validation and test draws are made; no proposer is ever told. */
        secretSeed: number;
        baseHash: string;
        baseVersion: number;
        /** Of the request: see fingerprint.ts. Older ones have none. */
        fingerprint?: string;
      }
    >
  | EventOf<'stage_started', { stage: Stage }>
  | EventOf<'stage_finished', { stage: Stage; durationMs: number; report: unknown }>
  | EventOf<'search_progressed', SearchProgress>
  /** What the proposer is doing, for whoever watches. */
  | EventOf<'proposer_active', { kind: 'text' | 'tool' | 'file'; text: string }>
  /** A run of the proposer that was paid for; also what it was asked, as a hash. */
  | EventOf<'proposer_spent', ProposerSpent>
  | EventOf<'attempt_rejected', RejectedAttempt>
  /** A run that came to something; it is not lost when the node is. */
  | EventOf<'candidate_found', ProposedCandidate>
  | EventOf<'candidates_proposed', { candidates: readonly ProposedCandidate[]; evaluated: number; searchMs: number }>
  | EventOf<'candidate_rejected', { index: number; stage: Stage; reason: string }>
  | EventOf<'candidate_validated', { index: number; report: PairedReport }>
  | EventOf<'winner_chosen', { index: number; selection: number; report: PairedReport }>
  | EventOf<'winner_tested', { report: PairedReport; reported?: readonly TaskReport[] }>
  | EventOf<'version_staged', { hash: string; version: number }>
  | EventOf<'approval_requested', { approvalId: string }>
  | EventOf<'approval_decided', ApprovalDecision>
  | EventOf<'version_promoted', { hash: string; version: number; generation: number; swapUs: number }>
  | EventOf<'improvement_ended', { phase: EndPhase; reason: string }>;

export type EndPhase = 'live' | 'no_gain' | 'rejected' | 'rolled_back' | 'failed' | 'cancelled';

/** By a person, by a rule, or by time. */
export interface ApprovalDecision {
  decision: 'approved' | 'denied';
  /** `user/…`, or the rule's name. */
  by: string;
  note: string;
}

/** In the order of the gate. */
export type Stage =
  | 'propose'
  | 'contract_tests'
  | 'validation'
  | 'test'
  | 'stage'
  | 'replay'
  | 'rehearsal'
  | 'approval'
  | 'swap'
  | 'observation';

/** What became of calls that were recorded of the version before, when they were made again with the new one. */
export interface ReplaySummary {
  calls: number;
  same: number;
  /** It failed, and is answered now. */
  better: number;
  /** It was answered, and fails now. */
  worse: number;
  /** Another answer, of which nobody says which is right; or the record can not say. */
  unknown: number;
  /** Some that are not the same. */
  examples: readonly { callId: string; verdict: 'better' | 'worse' | 'unknown'; why: string }[];
}

export interface SearchProgress {
  generation: number;
  evaluated: number;
  perSecond: number;
  /** Best selection score among the candidates that live now; they are scored anew on fresh draws from time to time. */
  best: number;
  /** Score of the base version on the same draws. */
  baseline: number;
  elapsedMs: number;
}

/** One line for people. */
export function describe(event: ImprovementEvent): string {
  switch (event.type) {
    case 'improvement_queued':
      return `queued: ${event.data.agent} from v${event.data.baseVersion}, ${event.data.proposer}, ${Math.round(event.data.budgetMs / 1000)} s`;
    case 'stage_started':
      return `${words(event.data.stage)} …`;
    case 'stage_finished':
      return `${words(event.data.stage)} took ${formatDuration(event.data.durationMs)}`;
    case 'search_progressed': {
      const { generation, evaluated, perSecond, best, baseline } = event.data;
      return `generation ${generation}: best ${score(best)} (baseline ${score(baseline)}), ${evaluated} candidates, ${Math.round(perSecond)}/s`;
    }
    case 'proposer_active':
      return event.data.kind === 'text' ? event.data.text.replaceAll(/\s+/g, ' ').trim() : `${event.data.kind}: ${event.data.text}`;
    case 'proposer_spent': {
      const { inputTokens, outputTokens, costMicroUsd } = event.data;
      return `${inputTokens} tokens in, ${outputTokens} out${costMicroUsd === 0 ? '' : `, ${(costMicroUsd / 1e6).toFixed(4)} USD`}`;
    }
    case 'attempt_rejected':
      return `an attempt came to nothing: ${event.data.reason}`;
    case 'candidate_found':
      return `a candidate scores ${score(event.data.selection)}: ${event.data.note}`;
    case 'candidates_proposed':
      return `${event.data.candidates.length} candidates of ${event.data.evaluated} go on to validation`;
    case 'candidate_rejected':
      return `candidate ${event.data.index + 1} refused at ${words(event.data.stage)}: ${event.data.reason}`;
    case 'candidate_validated':
      return `candidate ${event.data.index + 1} on validation: ${paired(event.data.report)}`;
    case 'winner_chosen':
      return `candidate ${event.data.index + 1} wins: ${paired(event.data.report)}`;
    case 'winner_tested':
      return [`on the test set: ${paired(event.data.report)}`, ...(event.data.reported ?? []).map(taskWords)].join('; ');
    case 'version_staged':
      return `staged as v${event.data.version}`;
    case 'approval_requested':
      return `waits for leave to go live: seed approvals:get ${event.data.approvalId}`;
    case 'approval_decided':
      return `${event.data.decision} by ${event.data.by}${event.data.note === '' ? '' : `: ${event.data.note}`}`;
    case 'version_promoted':
      return `v${event.data.version} is live, swapped in ${(event.data.swapUs / 1000).toFixed(1)} ms`;
    case 'improvement_ended':
      return `${words(event.data.phase)}: ${event.data.reason}`;
  }
}

/** Before and now, and that it did not matter. */
export function taskWords(task: TaskReport): string {
  const outcome = 'failed' in task ? `failed: ${task.failed}` : `${score(task.report.baseMean)} → ${score(task.report.mean)}`;
  return `${task.task} ${outcome} (reported, decides nothing)`;
}

function paired(report: PairedReport): string {
  return `${score(report.mean)} against ${score(report.baseMean)}, better on ${report.wins} of ${report.draws} draws (p ${report.p.toPrecision(2)})`;
}

function words(name: string): string {
  return name.replaceAll('_', ' ');
}

function score(value: number): string {
  return value.toFixed(3);
}
