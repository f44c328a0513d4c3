// A pipeline over scores that a test decides, with a world that says yes.
import { expect } from 'vitest';
import { contractSchema, type ContractData } from '#kernel/compiler/contract.ts';
import { SeedError } from '#lib/error.ts';
import type { ApprovalRequest } from './approval-request.ts';
import type { ApprovalDecision, ImprovementEvent, ReplaySummary } from './events.ts';
import { evolve, initialImprovement, type Improvement } from './improvement.ts';
import type { LoggedCandidate } from './candidate-log.ts';
import { runPipeline } from './pipeline.ts';
import type { Proposer } from './proposer.ts';
import type { ScoreOptions, Scored, Workbench } from './workbench.ts';

export const CONTRACT = {
  name: 'doubler',
  improvement: contractSchema.shape.improvement.parse(undefined),
  objective: { name: 'off', direction: 'minimize' },
} as unknown as ContractData;
export const QUEUED: ImprovementEvent = {
  type: 'improvement_queued',
  data: {
    id: 'i1',
    jobId: 'j1',
    agent: 'doubler',
    proposer: 'fixed',
    trigger: 'manual',
    goal: '',
    budgetMs: 1_000,
    seed: 1,
    secretSeed: 7,
    baseHash: 'base',
    baseVersion: 1,
  },
};

export const APPROVED: ApprovalDecision = { decision: 'approved', by: 'user/ada', note: '' };

export const proposer: Proposer = {
  name: 'fixed',
  async *propose() {
    yield { type: 'candidate', files: { 'agent.ts': 'better' }, score: 1, note: '' };
  },
};

/** Scores a set by who is scored: base and candidate. */
export type Scores = (set: string, isBase: boolean) => number | string;

interface Started {
  events: ImprovementEvent[];
  /** What was stored with the version. */
  reports: Readonly<Record<string, unknown>>[];
  logged: LoggedCandidate[];
  approvals: ApprovalRequest[];
  running: Promise<Improvement>;
}

export function start(options: {
  reported: readonly string[];
  scores: Scores;
  past?: readonly ImprovementEvent[];
  signal?: AbortSignal;
  by?: Proposer;
  replay?: ReplaySummary;
  /** Why it fails; null: it does not. */
  rehearsal?: string | null;
  /** Null: nobody has answered. */
  decision?: ApprovalDecision | null;
  /** Called when an event has been written. */
  onEvent?: (event: ImprovementEvent) => void;
}): Started {
  const {
    reported,
    scores,
    past = [QUEUED],
    signal = new AbortController().signal,
    by = proposer,
    rehearsal = null,
    decision = APPROVED,
  } = options;
  const { replay = { calls: 3, same: 2, better: 1, worse: 0, unknown: 0, examples: [] } } = options;
  const approvals: ApprovalRequest[] = [];
  const events: ImprovementEvent[] = [];
  const reports: Readonly<Record<string, unknown>>[] = [];
  const logged: LoggedCandidate[] = [];
  const asked: string[] = [];
  const workbench: Workbench = {
    contractTests: () => Promise.resolve(),
    score: (_base, candidates, { set, seeds }: ScoreOptions) => {
      expect(asked).not.toContain(seeds.join());
      asked.push(seeds.join());
      const one = (isBase: boolean): Scored => {
        const score = scores(set, isBase);
        if (typeof score === 'string') return { ok: false, reason: score };
        // Not all the same, so that nothing is certain.
        const all = seeds.map((_, index) => score + index / 1000);
        return { ok: true, scores: all, details: [], mean: score, stopped: false, cpuMs: 1, reported };
      };
      return Promise.resolve(candidates.map((candidate) => one(Object.keys(candidate.files).length === 0)));
    },
  };
  const running = runPipeline(past.reduce(evolve, initialImprovement), {
    proposer: by,
    workbench,
    promotion: {
      stage: (_sources, { reports: its }) => {
        reports.push(its);
        return Promise.resolve({ hash: 'next', version: 2 });
      },
      replay: () => Promise.resolve(replay),
      rehearse: () => (rehearsal === null ? Promise.resolve(null) : Promise.reject(new SeedError('validation_failed', rehearsal))),
      approval: (request) => {
        approvals.push(request);
        return Promise.resolve({ id: 'a1', decision });
      },
      promote: () => Promise.resolve({ generation: 2, swapUs: 1 }),
      observed: () => Promise.resolve({ verdict: 'healthy', reason: '' }),
    },
    log: { record: (candidate) => Promise.resolve(void logged.push(candidate)) },
    base: { hash: 'base', contract: CONTRACT, sources: {} },
    append: (event) => {
      events.push(event);
      options.onEvent?.(event);
      return Promise.resolve();
    },
    monotonicMs: () => 0,
    signal,
  });
  return { events, reports, logged, approvals, running };
}

export const better: Scores = (_set, isBase) => (isBase ? 4 : 1);
