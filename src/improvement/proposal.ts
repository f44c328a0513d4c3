// The first stage of an improvement: a proposer is asked, and what it finds and spends is written down when it says so, because the node
// may die at any time and what was paid for is not paid for again.
import { SeedError } from '#lib/error.ts';
import { Activity } from './activity.ts';
import { candidateId } from './archive/candidate-id.ts';
import type { BaseVersion } from './base-version.ts';
import type { ChangedFiles, ImprovementEvent, RejectedAttempt, SearchProgress } from './events.ts';
import type { Improvement } from './improvement.ts';
import type { Provenance, Evaluate, MadeBefore, ProposalRequest, Proposer, ProposerEvent } from './proposer.ts';

const PROGRESS_EVERY_MS = 500;
/** A proposal that goes on has so much time at least. */
const MIN_LEFT_MS = 5_000;

export interface ProposalOptions {
  proposer: Proposer;
  base: BaseVersion;
  evidence: string;
  earlier: readonly MadeBefore[];
  evaluate: Evaluate;
  append: (event: ImprovementEvent) => Promise<void>;
  /** Writes an attempt down for people. */
  logRejected: (attempt: RejectedFiles, reason: string) => Promise<void>;
  monotonicMs: () => number;
  signal: AbortSignal;
}

export interface RejectedFiles extends Pick<Provenance, 'parent' | 'promptHash'> {
  files: ChangedFiles;
  selection: number | null;
  note: string;
}

export interface ProposalEnd {
  /** The newest of this run; null: it showed none. */
  last: SearchProgress | null;
  searchMs: number;
}

type Queued = NonNullable<Improvement['queued']>;

/** @param state when it begins. @throws what the proposer throws */
export async function runProposal(state: Improvement, queued: Queued, options: ProposalOptions): Promise<ProposalEnd> {
  const { proposer, append, monotonicMs } = options;
  const startedMs = monotonicMs();
  // What was already searched before a crash is not searched again; its progress is only a picture, its candidates are gone.
  const spentMs = state.progress.at(-1)?.elapsedMs ?? 0;
  let last: SearchProgress | null = null;
  let shownAtMs = Number.NEGATIVE_INFINITY;
  const activity = new Activity({ monotonicMs, append: (data) => append({ type: 'proposer_active', data }) });
  // Handed over before the node died: nobody is asked, or paid, for another.
  const search = state.found.length > 0 ? [] : proposer.propose(request(state, queued, { ...options, spentMs }));
  for await (const event of search) {
    if (event.type === 'activity') {
      await activity.take(event.activity);
      continue;
    }
    await activity.flush();
    if (event.type === 'progress') {
      last = { ...event.progress, elapsedMs: spentMs + monotonicMs() - startedMs };
      if (monotonicMs() - shownAtMs < PROGRESS_EVERY_MS) continue;
      shownAtMs = monotonicMs();
      await append({ type: 'search_progressed', data: last });
    } else await writeDown(event, queued.id, options);
  }
  await activity.flush();
  if (last !== null) await append({ type: 'search_progressed', data: last });
  return { last, searchMs: monotonicMs() - startedMs };
}

function request(state: Improvement, queued: Queued, options: ProposalOptions & { spentMs: number }): ProposalRequest {
  const { base, evidence, earlier, evaluate, signal, spentMs } = options;
  return {
    improvement: queued.id,
    base: { agent: queued.agent, hash: base.hash, version: queued.baseVersion },
    // Its own: what it does to them changes neither what is scored nor what is asked for.
    contract: structuredClone(base.contract),
    sources: { ...base.sources },
    goal: queued.goal,
    evidence,
    budgetMs: Math.max(queued.budgetMs - spentMs, Math.min(queued.budgetMs, MIN_LEFT_MS)),
    seed: queued.seed,
    evaluate,
    before: {
      runs: state.spent.runs,
      rejected: state.attempts.map(({ reason }) => reason),
      made: state.attempts.flatMap(madeBy),
    },
    earlier,
    signal,
  };
}

/** What an attempt has left, if anything. */
function madeBy({ id, files = {}, parent = null }: Pick<RejectedAttempt, 'id' | 'files' | 'parent'>): MadeBefore[] {
  return id === undefined ? [] : [{ id, parent, files }];
}

async function writeDown(
  event: Exclude<ProposerEvent, { type: 'activity' | 'progress' }>,
  improvement: string,
  { proposer, append, logRejected }: ProposalOptions,
): Promise<void> {
  if (event.type === 'spent') {
    await append({ type: 'proposer_spent', data: event.spent });
    return;
  }
  // As they are now: what is judged is what goes live.
  const files = { ...event.files };
  const { note = '' } = event;
  const id = candidateId(improvement, files);
  if (event.type === 'candidate') {
    if (!Number.isFinite(event.score)) {
      throw new SeedError(
        'validation_failed',
        `the proposer ${proposer.name} says that its candidate's score is ${event.score}: it must be a number`,
      );
    }
    await append({ type: 'candidate_found', data: { id, files, selection: event.score, note, ...provenance(event) } });
    return;
  }
  const { reason, score: selection } = event;
  const isEmpty = Object.keys(files).length === 0;
  await append({ type: 'attempt_rejected', data: isEmpty ? { reason } : { reason, id, files, selection, note, ...provenance(event) } });
  if (!isEmpty) await logRejected({ files, selection, note, ...provenance(event) }, reason);
}

function provenance({ parent = null, scores, promptHash }: Provenance): Provenance {
  return {
    ...(parent === null ? {} : { parent }),
    ...(scores === undefined ? {} : { scores: [...scores] }),
    ...(promptHash === undefined ? {} : { promptHash }),
  };
}
