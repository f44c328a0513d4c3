// The life of one improvement as events. Every stage leaves what the next one needs, so that it can go on after a crash.

import { formatDuration } from '#lib/duration.ts';

/** Where an improvement stands; the last five are ends. */
export type ImprovementPhase =
  | 'queued'
  | 'generating'
  | 'validating'
  | 'staged'
  | 'promoting'
  | 'verifying'
  | 'live'
  | 'no_gain'
  | 'rolled_back'
  | 'failed'
  | 'cancelled';

export const ENDED: readonly ImprovementPhase[] = ['live', 'no_gain', 'rolled_back', 'failed', 'cancelled'];

/** The files of a candidate that differ from the version it was made from. */
export type ChangedFiles = Readonly<Record<string, string>>;

export interface ProposedCandidate {
  files: ChangedFiles;
  /** Mean score on the selection draws that its proposer ended with. */
  selection: number;
  note: string;
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
  | EventOf<'candidates_proposed', { candidates: readonly ProposedCandidate[]; evaluated: number; searchMs: number }>
  | EventOf<'candidate_rejected', { index: number; stage: Stage; reason: string }>
  | EventOf<'candidate_validated', { index: number; report: PairedReport }>
  | EventOf<'winner_chosen', { index: number; selection: number; report: PairedReport }>
  | EventOf<'winner_tested', { report: PairedReport; reported?: readonly TaskReport[] }>
  | EventOf<'version_staged', { hash: string; version: number }>
  | EventOf<'version_promoted', { hash: string; version: number; generation: number; swapUs: number }>
  | EventOf<'improvement_ended', { phase: 'live' | 'no_gain' | 'rolled_back' | 'failed' | 'cancelled'; reason: string }>;

export type Stage = 'propose' | 'contract_tests' | 'validation' | 'test' | 'stage' | 'swap' | 'observation';

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
