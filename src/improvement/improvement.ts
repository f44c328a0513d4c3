// An improvement as its events leave it: what is known, and where it goes on. Pure.
import {
  ENDED,
  type ApprovalDecision,
  type ImprovementEvent,
  type ImprovementPhase,
  type PairedReport,
  type ProposedCandidate,
  type RejectedAttempt,
  type SearchProgress,
  type Stage,
  type TaskReport,
} from './events.ts';

export interface StageState {
  stage: Stage;
  state: 'running' | 'done';
  durationMs: number | null;
  report: unknown;
}

export interface Improvement {
  phase: ImprovementPhase;
  queued: Extract<ImprovementEvent, { type: 'improvement_queued' }>['data'] | null;
  stages: readonly StageState[];
  progress: readonly SearchProgress[];
  /** Over all runs of its proposer. */
  spent: { runs: number; inputTokens: number; outputTokens: number; costMicroUsd: number };
  /** What the newest run was asked. */
  promptHash: string | null;
  /** Runs that came to nothing. */
  attempts: readonly RejectedAttempt[];
  /** Before they are proposed together. */
  found: readonly ProposedCandidate[];
  candidates: readonly ProposedCandidate[] | null;
  evaluated: number;
  /** Why a candidate was refused, by its index. */
  rejected: ReadonlyMap<number, string>;
  validated: ReadonlyMap<number, PairedReport>;
  winner: { index: number; report: PairedReport } | null;
  tested: PairedReport | null;
  /** Tasks that decide nothing. */
  reported: readonly TaskReport[];
  staged: { hash: string; version: number } | null;
  approvalId: string | null;
  approval: ApprovalDecision | null;
  promoted: { generation: number; swapUs: number } | null;
  reason: string;
}

export const initialImprovement: Improvement = {
  phase: 'queued',
  queued: null,
  stages: [],
  progress: [],
  spent: { runs: 0, inputTokens: 0, outputTokens: 0, costMicroUsd: 0 },
  promptHash: null,
  attempts: [],
  found: [],
  candidates: null,
  evaluated: 0,
  rejected: new Map(),
  validated: new Map(),
  winner: null,
  tested: null,
  reported: [],
  staged: null,
  approvalId: null,
  approval: null,
  promoted: null,
  reason: '',
};

const PHASE_OF_STAGE: Readonly<Record<Stage, ImprovementPhase>> = {
  propose: 'generating',
  contract_tests: 'validating',
  validation: 'validating',
  test: 'validating',
  stage: 'staged',
  replay: 'staged',
  rehearsal: 'staged',
  approval: 'waiting',
  swap: 'promoting',
  observation: 'verifying',
};

/** Points of the score plot that are kept; when there are more, every second one goes. */
const MAX_PROGRESS = 240;

export function evolve(state: Improvement, event: ImprovementEvent): Improvement {
  switch (event.type) {
    case 'improvement_queued':
      return { ...state, queued: event.data };
    case 'stage_started': {
      const others = state.stages.filter((stage) => stage.stage !== event.data.stage);
      const running: StageState = { stage: event.data.stage, state: 'running', durationMs: null, report: null };
      return { ...state, phase: PHASE_OF_STAGE[event.data.stage], stages: [...others, running] };
    }
    case 'stage_finished': {
      const { stage, durationMs, report } = event.data;
      const stages = state.stages.map((known) => (known.stage === stage ? { stage, state: 'done' as const, durationMs, report } : known));
      return { ...state, stages };
    }
    case 'search_progressed': {
      const progress = [...state.progress, event.data];
      const thinned =
        progress.length > MAX_PROGRESS ? progress.filter((_, index) => index % 2 === 0 || index === progress.length - 1) : progress;
      return { ...state, progress: thinned, evaluated: Math.max(state.evaluated, event.data.evaluated) };
    }
    case 'proposer_active':
      return state;
    case 'proposer_spent': {
      const { spent } = state;
      const { inputTokens, outputTokens, costMicroUsd, promptHash } = event.data;
      return {
        ...state,
        promptHash,
        spent: {
          runs: spent.runs + 1,
          inputTokens: spent.inputTokens + inputTokens,
          outputTokens: spent.outputTokens + outputTokens,
          costMicroUsd: spent.costMicroUsd + costMicroUsd,
        },
      };
    }
    case 'attempt_rejected':
      return { ...state, attempts: [...state.attempts, event.data] };
    case 'candidate_found':
      return { ...state, found: [...state.found, event.data] };
    case 'candidates_proposed':
      return { ...state, candidates: event.data.candidates, evaluated: event.data.evaluated };
    case 'candidate_rejected':
      return { ...state, rejected: new Map(state.rejected).set(event.data.index, `${event.data.stage}: ${event.data.reason}`) };
    case 'candidate_validated':
      return { ...state, validated: new Map(state.validated).set(event.data.index, event.data.report) };
    case 'winner_chosen':
      return { ...state, winner: event.data };
    case 'winner_tested':
      return { ...state, tested: event.data.report, reported: event.data.reported ?? [] };
    case 'version_staged':
      return { ...state, staged: event.data };
    case 'approval_requested':
      return { ...state, approvalId: event.data.approvalId };
    case 'approval_decided':
      return { ...state, approval: event.data };
    case 'version_promoted':
      return { ...state, promoted: { generation: event.data.generation, swapUs: event.data.swapUs } };
    case 'improvement_ended':
      return { ...state, phase: event.data.phase, reason: event.data.reason };
  }
}

export function hasEnded(state: Improvement): boolean {
  return ENDED.includes(state.phase);
}

export function isDone(state: Improvement, stage: Stage): boolean {
  return state.stages.some((known) => known.stage === stage && known.state === 'done');
}
