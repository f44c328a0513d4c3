// The way of an improvement: propose → contract tests → validation → test (reported, decides nothing) → stage → replay of recorded calls →
// rehearsal on real states → approval → swap → observation. Every stage leaves an event; a pipeline that is run again goes on after the last finished stage.
import { SeedError, toSeedError } from '#lib/error.ts';
import type { BaseVersion } from './base-version.ts';
import type { CandidateLog, LoggedCandidate } from './candidate-log.ts';
import { approvalRequest } from './approval-request.ts';
import type { EndPhase, ImprovementEvent, ProposedCandidate, Stage, TaskReport } from './events.ts';
import { FreshDraws } from './fresh-draws.ts';
import { chooseWinner, refusal } from './gate.ts';
import { evolve, hasEnded, isDone, type Improvement } from './improvement.ts';
import { runProposal, type RejectedFiles } from './proposal.ts';
import type { MadeBefore, Proposer } from './proposer.ts';
import type { ObservationEnd, Promotion } from './promotion.ts';
import type { Workbench } from './workbench.ts';

/** Draws that decide, and draws that are reported. */
const VALIDATION_DRAWS = 20;
const TEST_DRAWS = 20;
/** Tasks of an evaluation that are reported. */
const MAX_REPORTED = 8;
/** Candidates that go on to validation. */
const MAX_CANDIDATES = 4;

export interface PipelineOptions {
  proposer: Proposer;
  log: CandidateLog;
  workbench: Workbench;
  promotion: Promotion;
  base: BaseVersion;
  /** What happened to it in use, for proposers that read. */
  evidence?: string;
  /** What earlier improvements of the agent have made in vain; asked when a proposer is. Default: nothing. */
  earlier?: () => Promise<readonly MadeBefore[]>;
  /** Writes the event down, durably, before it resolves. */
  append: (event: ImprovementEvent) => Promise<void>;
  monotonicMs: () => number;
  signal: AbortSignal;
}

/** @returns the state at its end, or where it waits for an approval. Failures of the improvement are an end; it throws only when it could not be written down, or was aborted by the node. */
export async function runPipeline(start: Improvement, options: PipelineOptions): Promise<Improvement> {
  const run = new PipelineRun(start, options);
  try {
    await run.go();
  } catch (thrown) {
    if (options.signal.aborted) {
      if (options.signal.reason !== 'cancelled') throw thrown;
      await run.end('cancelled', 'cancelled');
    } else {
      const error = toSeedError(thrown);
      if (error.code === 'database_unavailable') throw error;
      await run.end('failed', error.message);
    }
  }
  return run.state;
}

class PipelineRun {
  state: Improvement;
  readonly #options: PipelineOptions;

  constructor(start: Improvement, options: PipelineOptions) {
    this.state = start;
    this.#options = options;
  }

  async go(): Promise<void> {
    if (hasEnded(this.state)) return;
    await this.#stage('propose', () => this.#propose());
    await this.#stage('contract_tests', () => this.#contractTests());
    await this.#stage('validation', () => this.#validate());
    const { winner } = this.state;
    if (winner === null) return this.end('no_gain', this.#whyNoWinner());
    await this.#stage('test', () => this.#test(winner.index));
    await this.#stage('stage', () => this.#putInStore(winner.index));
    if ((await this.#gated('replay', () => this.#replay())) !== null) return;
    if ((await this.#gated('rehearsal', () => this.#rehearse())) !== null) return;
    if (!(await this.#approve(winner.index))) return;
    await this.#stage('swap', () => this.#swap());
    await this.#stage('observation', () => this.#observe());
    const { verdict, reason } = this.#observation();
    return this.end(verdict === 'rolled_back' ? 'rolled_back' : 'live', `${verdict}: ${reason}`);
  }

  async end(phase: EndPhase, reason: string): Promise<void> {
    if (!hasEnded(this.state)) await this.#append({ type: 'improvement_ended', data: { phase, reason } });
  }

  async #append(event: ImprovementEvent): Promise<void> {
    await this.#options.append(event);
    this.state = evolve(this.state, event);
  }

  async #stage(stage: Stage, work: () => Promise<unknown>): Promise<void> {
    if (isDone(this.state, stage) || hasEnded(this.state)) return;
    this.#options.signal.throwIfAborted();
    const startedMs = this.#options.monotonicMs();
    await this.#append({ type: 'stage_started', data: { stage } });
    this.#options.signal.throwIfAborted();
    const report = await work();
    await this.#append({
      type: 'stage_finished',
      data: { stage, durationMs: this.#options.monotonicMs() - startedMs, report: report ?? null },
    });
  }

  async #propose(): Promise<unknown> {
    const { proposer, workbench, base, signal, monotonicMs, evidence = '', earlier } = this.#options;
    const { last, searchMs } = await runProposal(this.state, this.#queued(), {
      proposer,
      base,
      evidence,
      earlier: (await earlier?.()) ?? [],
      evaluate: (wanted, { feed = 'inside', ...how }) => workbench.score(base, wanted, { ...how, set: 'selection', feed, signal }),
      append: (event) => this.#append(event),
      logRejected: (attempt, reason) => this.#log(attempt, reason),
      monotonicMs,
      signal,
    });
    const sign = this.#direction() === 'minimize' ? 1 : -1;
    const candidates = this.state.found.toSorted((one, other) => sign * (one.selection - other.selection));
    const evaluated = last?.evaluated ?? candidates.length;
    await this.#append({
      type: 'candidates_proposed',
      data: { candidates: candidates.slice(0, MAX_CANDIDATES), evaluated, searchMs },
    });
    return { candidates: candidates.length, evaluated };
  }

  /** With what is known of it by now. */
  async #log(
    candidate: RejectedFiles & { index?: number },
    verdict: string,
    more: { staged?: LoggedCandidate['staged']; approver?: string } = {},
  ): Promise<void> {
    const { base, log } = this.#options;
    const { id: improvement, agent, proposer } = this.#queued();
    const { index, files, selection, note, parent = null, promptHash = this.state.promptHash } = candidate;
    const isWinner = index !== undefined && this.state.winner?.index === index;
    await log.record({
      files,
      selection,
      note,
      parent,
      improvement,
      agent,
      proposer,
      base: { ...base, version: this.#queued().baseVersion },
      verdict,
      promptHash,
      costMicroUsd: this.state.spent.costMicroUsd,
      validation: index === undefined ? null : (this.state.validated.get(index)?.mean ?? null),
      test: isWinner ? (this.state.tested?.mean ?? null) : null,
      staged: more.staged ?? null,
      approver: more.approver ?? null,
    });
  }

  async #reject(index: number, stage: Stage, reason: string): Promise<void> {
    await this.#append({ type: 'candidate_rejected', data: { index, stage, reason } });
    await this.#log({ ...this.#candidate(index), index }, `${stage}: ${reason}`);
  }

  async #contractTests(): Promise<unknown> {
    const { workbench, base } = this.#options;
    let passed = 0;
    for (const [index, candidate] of this.#candidates().entries()) {
      try {
        await workbench.contractTests(base, { ...base.sources, ...candidate.files });
        passed += 1;
      } catch (thrown) {
        const error = toSeedError(thrown);
        if (this.#options.signal.aborted || error.code === 'unavailable') throw thrown;
        await this.#reject(index, 'contract_tests', error.message);
      }
    }
    return { passed };
  }

  async #validate(): Promise<unknown> {
    const remaining = [...this.#candidates().entries()].filter(([index]) => !this.state.rejected.has(index));
    const candidates = remaining.map(([, candidate]) => candidate);
    const { compared } = await this.#freshDraws().compare('validation', candidates, VALIDATION_DRAWS);
    const policy = { ...this.#options.base.contract.improvement, candidates: this.#candidates().length };
    for (const [position, [index]] of remaining.entries()) {
      const result = compared[position]!;
      if (!result.ok) {
        await this.#reject(index, 'validation', result.reason);
        continue;
      }
      await this.#append({ type: 'candidate_validated', data: { index, report: result.report } });
      const reason = refusal(result.report, policy);
      if (reason !== null) await this.#reject(index, 'validation', reason);
    }
    const winner = chooseWinner(this.state.validated, policy);
    if (winner !== null) {
      await this.#append({ type: 'winner_chosen', data: { ...winner, selection: this.#candidate(winner.index).selection } });
    }
    return { winner: winner?.index ?? null };
  }

  async #test(index: number): Promise<unknown> {
    const { compared, reported: tasks } = await this.#freshDraws().compare('test', [this.#candidate(index)], TEST_DRAWS);
    const result = compared[0]!;
    if (!result.ok) throw new SeedError('validation_failed', `the winner could not be tested: ${result.reason}`);
    const reported: TaskReport[] = [];
    for (const task of tasks.slice(0, MAX_REPORTED)) reported.push(await this.#reportTask(task, index));
    const more = tasks.length - reported.length;
    if (more > 0) reported.push({ task: `${more} more`, failed: `an evaluation reports ${MAX_REPORTED} tasks at most` });
    await this.#append({ type: 'winner_tested', data: { report: result.report, reported } });
    return result.report;
  }

  /** What it does not get right here is said and changes nothing. */
  async #reportTask(task: string, index: number): Promise<TaskReport> {
    try {
      const { compared } = await this.#freshDraws().compare(`reported:${task}`, [this.#candidate(index)], TEST_DRAWS);
      const result = compared[0]!;
      return result.ok ? { task, report: result.report } : { task, failed: result.reason };
    } catch (thrown) {
      const error = toSeedError(thrown);
      if (this.#options.signal.aborted || error.code !== 'validation_failed') throw thrown;
      return { task, failed: error.message };
    }
  }

  #freshDraws(): FreshDraws {
    const { workbench, base, signal } = this.#options;
    return new FreshDraws({ workbench, base, signal, secretSeed: this.#queued().secretSeed });
  }

  async #putInStore(index: number): Promise<unknown> {
    const { base, promotion } = this.#options;
    const candidate = this.#candidate(index);
    const { winner, tested, reported } = this.state;
    const scores = { selection: candidate.selection, validation: winner?.report ?? null, test: tested };
    const reports = { improvement: this.#queued().id, ...scores, ...(reported.length === 0 ? {} : { reported }) };
    const { promptHash = this.state.promptHash } = candidate;
    const staged = await promotion.stage({ ...base.sources, ...candidate.files }, { reports, promptHash });
    await this.#append({ type: 'version_staged', data: staged });
    return staged;
  }

  /** A stage that can refuse the version in the store. @returns why it did, or null */
  async #gated(stage: 'replay' | 'rehearsal', work: () => Promise<{ report: unknown; refused: string | null }>): Promise<string | null> {
    let refused: string | null = null;
    await this.#stage(stage, async () => {
      const result = await work();
      ({ refused } = result);
      return result.report;
    });
    refused ??= (this.state.stages.find((known) => known.stage === stage)?.report as { reason?: string } | null)?.reason ?? null;
    if (refused !== null) await this.#refuse(`${stage}: ${refused}`);
    return refused;
  }

  async #replay(): Promise<{ report: unknown; refused: string | null }> {
    const { promotion, signal } = this.#options;
    const summary = await promotion.replay(this.#staged().hash, signal);
    const refused =
      summary.worse === 0 ? null : `${summary.worse} of ${summary.calls} recorded calls that were answered before fail with it`;
    return { report: { ...summary, ...(refused === null ? {} : { reason: refused }) }, refused };
  }

  async #rehearse(): Promise<{ report: unknown; refused: string | null }> {
    try {
      return { report: await this.#options.promotion.rehearse(this.#staged().hash), refused: null };
    } catch (thrown) {
      const error = toSeedError(thrown);
      if (error.code !== 'validation_failed') throw thrown;
      return { report: { reason: error.message }, refused: error.message };
    }
  }

  /** @returns false: it waits for an answer, or was refused */
  async #approve(index: number): Promise<boolean> {
    if (isDone(this.state, 'approval')) return this.#isApproved();
    const { promotion, monotonicMs, signal } = this.#options;
    signal.throwIfAborted();
    const startedMs = monotonicMs();
    if (!this.state.stages.some(({ stage }) => stage === 'approval'))
      await this.#append({ type: 'stage_started', data: { stage: 'approval' } });
    const { id, decision } = await promotion.approval(approvalRequest(this.state, this.#options.base));
    if (this.state.approvalId === null) await this.#append({ type: 'approval_requested', data: { approvalId: id } });
    if (decision === null) return false;
    await this.#append({ type: 'approval_decided', data: decision });
    const durationMs = monotonicMs() - startedMs;
    await this.#append({ type: 'stage_finished', data: { stage: 'approval', durationMs, report: decision } });
    if (!(await this.#isApproved())) return false;
    await this.#log({ ...this.#candidate(index), index }, 'accepted', { staged: this.#staged(), approver: decision.by });
    return true;
  }

  async #isApproved(): Promise<boolean> {
    const { approval } = this.state;
    if (approval?.decision !== 'denied') return true;
    await this.#refuse(`denied by ${approval.by}${approval.note === '' ? '' : `: ${approval.note}`}`, approval.by);
    return false;
  }

  /** What was good enough to be kept and may not go live. */
  async #refuse(reason: string, approver?: string): Promise<void> {
    const { winner } = this.state;
    const more = { staged: this.#staged(), ...(approver === undefined ? {} : { approver }) };
    if (winner !== null) await this.#log({ ...this.#candidate(winner.index), index: winner.index }, reason, more);
    await this.end('rejected', reason);
  }

  async #swap(): Promise<unknown> {
    const staged = this.#staged();
    const reason = `improvement ${this.#queued().id}`;
    const swapped = await this.#options.promotion.promote(staged.hash, reason);
    if (swapped !== null) await this.#append({ type: 'version_promoted', data: { ...staged, ...swapped } });
    return swapped;
  }

  #observe(): Promise<ObservationEnd> {
    const { promotion, signal } = this.#options;
    return promotion.observed(this.#staged().hash, signal);
  }

  /** From the stage's report: after a crash between the two there is nothing else left of it. */
  #observation(): ObservationEnd {
    return this.state.stages.find((stage) => stage.stage === 'observation')?.report as ObservationEnd;
  }

  #whyNoWinner(): string {
    const attempts = [...new Set(this.state.attempts.map(({ reason }) => reason))];
    if (this.#candidates().length === 0)
      return `nothing better than what is live was found${attempts.length === 0 ? '' : `: ${attempts.join('; ')}`}`;
    return [...this.state.rejected].map(([index, reason]) => `candidate ${index + 1}: ${reason}`).join('; ');
  }

  #direction(): 'minimize' | 'maximize' {
    return this.#options.base.contract.objective?.direction ?? 'maximize';
  }

  #queued() {
    if (this.state.queued === null) throw new SeedError('internal', 'an improvement without its first event');
    return this.state.queued;
  }

  #candidates(): readonly ProposedCandidate[] {
    return this.state.candidates ?? [];
  }

  #candidate(index: number): ProposedCandidate {
    const candidate = this.#candidates()[index];
    if (candidate === undefined) throw new SeedError('internal', `candidate ${index} is not there`);
    return candidate;
  }

  #staged(): { hash: string; version: number } {
    if (this.state.staged === null) throw new SeedError('internal', 'nothing was staged');
    return this.state.staged;
  }
}
