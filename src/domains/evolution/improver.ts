// Runs improvements: queued as jobs, one at a time per agent, resumed after a crash from the events they left.
import { randomInt } from 'node:crypto';
import type { Database, Scope, Tx } from '#db/database.ts';
import type { RecordedEvent } from '#db/events.ts';
import type { JobOutcome } from '#db/job-attempt.ts';
import { cancelJob, enqueue } from '#db/jobs.ts';
import { isSeedError, SeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { evidenceDigest, evidenceText } from '#improvement/evidence.ts';
import { ENDED, type ImprovementEvent } from '#improvement/events.ts';
import { evolve, hasEnded, initialImprovement, type Improvement } from '#improvement/improvement.ts';
import type { BaseVersion } from '#improvement/base-version.ts';
import type { CandidateLog } from '#improvement/candidate-log.ts';
import { runPipeline } from '#improvement/pipeline.ts';
import type { Promotion } from '#improvement/promotion.ts';
import type { Proposer } from '#improvement/proposer.ts';
import type { Workbench } from '#improvement/workbench.ts';
import { emit } from '#telemetry/emit.ts';
import { earlierCandidates } from './earlier-candidates.ts';
import { evidenceFor } from './evidence-store.ts';
import { fingerprintOf } from './fingerprint.ts';
import { lockAdmission, openOf, usedOf, withFingerprint } from './limit-store.ts';
import { countRefusal, moneyRefusal, type Limits } from './limits.ts';
import { currentPause, endPause, insertPause, type Pause } from './pause-store.ts';
import { appendImprovement, listImprovements, readImprovement, streamOf } from './store.ts';
import type { AutomaticTrigger } from './trigger.ts';

/** Woken by the outbox when an event of the stream was published. */
export function streamChannel(stream: string): string {
  return `stream:${stream}`;
}

export const IMPROVEMENTS_QUEUE = 'improvements';
export const DEFAULT_PROPOSER = 'genetic';
const QUEUE_LIMIT = 100;
/** A running improvement writes events all the time: whoever cancels it may have to look again. */
const CANCEL_TRIES = 5;
/** Lives of the node that an improvement may see. */
const MAX_ATTEMPTS = 5;
const USED_UP = `it was begun ${MAX_ATTEMPTS} times and never came to its end: the node's log says what ended it`;
const ENDED_ELSEWHERE = 'ended elsewhere';
const PAUSED = 'paused';
/** Another node may have paused them. */
const LOOK_FOR_PAUSE_MS = 2_000;

export interface EnqueueImprovement {
  agent: string;
  proposer?: string;
  budgetMs: number;
  trigger: 'manual' | 'demo' | AutomaticTrigger;
  goal: string;
  seed?: number;
  /** Of what made an automatic trigger ask. Default: of the request, the live version and the evidence for a better one. */
  fingerprint?: string;
  principal: { kind: string; id: string };
}

export interface ImproverOptions {
  database: Database;
  proposers: ReadonlyMap<string, Proposer>;
  workbench: Workbench;
  /** Where candidates are written down for people. */
  log: CandidateLog;
  /** The live version of an agent. @throws SeedError `not_found`, `invalid_state` */
  baseOf: (agent: string) => Promise<{ hash: string; version: number }>;
  loadBase: (agent: string, hash: string) => Promise<BaseVersion>;
  promotionFor: (agent: string, improvement: { id: string; parent: string; proposer: string }) => Promotion;
  /** Nobody has to answer this any more. */
  withdraw: (approvalId: string, request: { reason: string; principal: { kind: string; id: string } }) => Promise<void>;
  monotonicMs: () => number;
  nodePrincipal: { kind: string; id: string };
  limits: Limits;
  /** ms since the epoch. */
  nowMs: () => number;
}

export class Improvements {
  readonly #options: ImproverOptions;
  readonly #running = new Map<string, AbortController>();

  constructor(options: ImproverOptions) {
    this.#options = options;
  }

  /** Being run by this node. */
  get open(): number {
    return this.#running.size;
  }

  /**
   * The same request for the same version and with the same evidence is the same improvement, until it has ended.
   * @returns its id. @throws SeedError `queue_full`, `rate_limited`, `not_found`, `invalid_state`
   */
  async enqueue(request: EnqueueImprovement): Promise<string> {
    const { database, proposers, baseOf } = this.#options;
    const proposer = request.proposer ?? DEFAULT_PROPOSER;
    const port = proposers.get(proposer);
    if (port === undefined) {
      throw new SeedError('invalid_input', `there is no proposer ${JSON.stringify(proposer)}`, {
        details: [{ path: 'proposer', message: `one of ${[...proposers.keys()].join(', ')}` }],
      });
    }
    const base = await baseOf(request.agent);
    const loaded = await this.#options.loadBase(request.agent, base.hash);
    if (!loaded.contract.improvement.enabled)
      throw new SeedError('invalid_state', `the contract of ${request.agent} does not allow improvements`);
    const fingerprint = request.fingerprint ?? (await this.#fingerprint({ ...request, proposer, baseHash: base.hash }));
    const id = uuidv7();
    const queued = (jobId: string): ImprovementEvent => ({
      type: 'improvement_queued',
      data: {
        id,
        jobId,
        agent: request.agent,
        proposer,
        trigger: request.trigger,
        goal: request.goal,
        budgetMs: request.budgetMs,
        seed: request.seed ?? randomInt(2 ** 32),
        secretSeed: randomInt(2 ** 47),
        baseHash: base.hash,
        baseVersion: base.version,
        fingerprint,
      },
    });
    return database.transaction(async (tx) => {
      await lockAdmission(tx);
      const same = await withFingerprint(tx, request.agent, fingerprint);
      if (same !== null && !ENDED.includes(same.state)) return same.id;
      if (request.trigger !== 'manual' && request.trigger !== 'demo') await refuseBeside(tx, request.agent);
      const refused = await this.#refusal(tx, request.agent, { counted: true, paid: port.free !== true });
      if (refused !== null) throw refused;
      const { job } = await enqueue(tx, {
        queue: IMPROVEMENTS_QUEUE,
        kind: 'improvement',
        args: { id },
        serialKey: request.agent,
        // One more, which does nothing but say that the others are used up.
        maxAttempts: MAX_ATTEMPTS + 1,
        limit: QUEUE_LIMIT,
        retryAfterMs: 30_000,
      });
      await appendImprovement(tx, id, { event: queued(job.id), expectedVersion: 0, principal: request.principal });
      return id;
    });
  }

  async #fingerprint(asked: EnqueueImprovement & { proposer: string; baseHash: string }): Promise<string> {
    const evidence = await evidenceFor(this.#options.database, asked.agent);
    const { agent, baseHash, proposer, goal, budgetMs, seed = null } = asked;
    return fingerprintOf({ agent, baseHash, proposer, goal, budgetMs, seed, evidence: evidence === null ? '' : evidenceDigest(evidence) });
  }

  async #refusal(scope: Scope, agent: string, which: { counted: boolean; paid: boolean }): Promise<SeedError | null> {
    const { limits } = this.#options;
    const nowMs = this.#options.nowMs();
    const used = await usedOf(scope, agent, new Date(nowMs));
    const now = { agent, nowMs };
    return (which.counted ? countRefusal(limits, used, now) : null) ?? (which.paid ? moneyRefusal(limits, used, now) : null);
  }

  /**
   * None begins any more, on no node; those that run stop where they are, and go on there after `resume` with what is left of their budget.
   * What is live already stays under observation. @returns false when they are paused already: that pause stays
   */
  async pause(pause: { reason: string; by: { kind: string; id: string } }): Promise<boolean> {
    const applied = await insertPause(this.#options.database, pause);
    for (const controller of this.#running.values()) controller.abort(PAUSED);
    if (applied) emit('seed_agent.improvement.pause', {}, { by: `${pause.by.kind}/${pause.by.id}`, reason: pause.reason });
    return applied;
  }

  /** @returns the pause that is over now; null when there was none */
  async resume(by: { kind: string; id: string }): Promise<Pause | null> {
    const { database, nowMs } = this.#options;
    const ended = await endPause(database, by);
    if (ended !== null) {
      const durationUs = Math.max(0, nowMs() - ended.at.getTime()) * 1000;
      emit('seed_agent.improvement.resume', { duration_us: durationUs }, { by: `${by.kind}/${by.id}` });
    }
    return ended;
  }

  async isPaused(): Promise<boolean> {
    return (await currentPause(this.#options.database)) !== null;
  }

  /** The job's handler. Ends without error when the improvement has ended, however it did; with a snooze when it was paused. */
  async run(id: string, { signal, attempt }: { signal: AbortSignal; attempt: number }): Promise<JobOutcome> {
    const { database, proposers, workbench, log, loadBase, promotionFor, monotonicMs, nodePrincipal } = this.#options;
    const { version, events } = await readImprovement(database, id);
    const state = events.reduce<Improvement>(evolve, initialImprovement);
    if (state.queued === null) throw new SeedError('not_found', `there is no improvement ${id}`);
    if (hasEnded(state)) return;
    if (attempt > MAX_ATTEMPTS) return this.#giveUp(id, version, USED_UP);
    const { agent, proposer: proposerName, baseHash } = state.queued;
    // Others may have spent the money while it waited. What was begun is brought to its end.
    const paid = state.stages.length === 0 && proposers.get(proposerName)?.free !== true;
    const refused = paid ? await this.#refusal(database, agent, { counted: false, paid }) : null;
    if (refused !== null) return this.#giveUp(id, version, refused.message);
    const startedMs = monotonicMs();
    const controller = new AbortController();
    signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true });
    this.#running.set(id, controller);
    const look = setInterval(() => void this.#stopIfPaused(controller), LOOK_FOR_PAUSE_MS);
    let expectedVersion = version;
    const append = async (event: ImprovementEvent): Promise<void> => {
      try {
        expectedVersion = await appendImprovement(database, id, { event, expectedVersion, principal: nodePrincipal });
      } catch (error) {
        // The only other writer is whoever cancelled it.
        if (isSeedError(error) && error.code === 'expected_version') controller.abort(ENDED_ELSEWHERE);
        throw error;
      }
      if (event.type === 'stage_finished') {
        const outcome = 'passed';
        emit(
          'seed_agent.improvement.stage',
          { duration_us: Math.round(event.data.durationMs * 1000) },
          { agent, id, stage: event.data.stage, outcome },
        );
      }
    };
    emit('seed_agent.improvement.start', { queue_depth: 0 }, { agent, id, proposer: proposerName });
    try {
      const proposer = proposers.get(proposerName);
      if (proposer === undefined) throw new SeedError('unavailable', `the proposer ${proposerName} is not there any more`);
      const base = await loadBase(agent, baseHash);
      const evidence = await evidenceFor(database, agent);
      const load = (hash: string): Promise<BaseVersion> => loadBase(agent, hash);
      const end = await runPipeline(state, {
        proposer,
        workbench,
        log,
        base,
        evidence: evidence === null ? '' : evidenceText(evidence),
        // Only who reads can begin from them.
        ...(proposer.free === true ? {} : { earlier: () => earlierCandidates({ database, agent, base, except: id, load }) }),
        promotion: promotionFor(agent, { id, parent: baseHash, proposer: proposerName }),
        append,
        monotonicMs,
        signal: controller.signal,
      });
      if (!hasEnded(end)) return;
      emit(
        'seed_agent.improvement.end',
        { duration_us: Math.round((monotonicMs() - startedMs) * 1000), candidates: end.evaluated },
        { agent, id, proposer: proposerName, outcome: OUTCOME_WORDS[end.phase] ?? 'failed' },
      );
    } catch (error) {
      if (controller.signal.reason === PAUSED) return { snoozeMs: 0 };
      // Whoever cancelled it has written its end already.
      if (controller.signal.reason !== ENDED_ELSEWHERE) throw error;
    } finally {
      clearInterval(look);
      this.#running.delete(id);
    }
  }

  async #stopIfPaused(controller: AbortController): Promise<void> {
    // Without the database the run comes to its own end.
    const paused = await this.isPaused().catch(() => false);
    if (paused) controller.abort(PAUSED);
  }

  /** What it waited for has been answered. */
  async goOn(id: string): Promise<void> {
    const { database } = this.#options;
    const { events } = await readImprovement(database, id);
    const state = events.reduce<Improvement>(evolve, initialImprovement);
    if (state.phase !== 'waiting' || state.queued === null) return;
    await enqueue(database, {
      queue: IMPROVEMENTS_QUEUE,
      kind: 'improvement',
      args: { id },
      serialKey: state.queued.agent,
      uniqueKey: `go on ${id}`,
      maxAttempts: MAX_ATTEMPTS + 1,
    });
  }

  /** Those whose answer came while this node was not there to hear of it. */
  async goOnWithAll(): Promise<void> {
    const waiting = await listImprovements(this.#options.database, { state: 'waiting' });
    for (const { id } of waiting) await this.goOn(id);
  }

  /** Without an end it would look as if it still ran. */
  async #giveUp(id: string, expectedVersion: number, reason: string): Promise<void> {
    const { database, nodePrincipal } = this.#options;
    const event: ImprovementEvent = { type: 'improvement_ended', data: { phase: 'failed', reason } };
    await appendImprovement(database, id, { event, expectedVersion, principal: nodePrincipal });
  }

  /** @throws SeedError `invalid_state` when it has ended, or is live already */
  async cancel(id: string, request: { reason: string; principal: { kind: string; id: string } }): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        // A second try only after the first has failed
        await this.#cancel(id, request);
        return;
      } catch (error) {
        if (attempt === CANCEL_TRIES || !isSeedError(error) || error.code !== 'expected_version') throw error;
      }
    }
  }

  async #cancel(id: string, request: { reason: string; principal: { kind: string; id: string } }): Promise<void> {
    const { database } = this.#options;
    const { version, events } = await readImprovement(database, id);
    const state = events.reduce<Improvement>(evolve, initialImprovement);
    if (hasEnded(state)) throw new SeedError('invalid_state', `improvement ${id} has ended: ${state.phase}`);
    if (state.promoted !== null) {
      throw new SeedError('invalid_state', `improvement ${id} has gone live already`, {
        hint: `seed code:rollback ${state.queued?.agent ?? ''}`,
      });
    }
    const event: ImprovementEvent = { type: 'improvement_ended', data: { phase: 'cancelled', reason: request.reason } };
    await database.transaction(async (tx) => {
      await appendImprovement(tx, id, { event, expectedVersion: version, principal: request.principal });
      if (state.queued !== null) await cancelJob(tx, state.queued.jobId, request.reason);
    });
    this.#running.get(id)?.abort(ENDED_ELSEWHERE);
    if (state.approvalId !== null && state.approval === null) await this.#options.withdraw(state.approvalId, request);
  }

  /** Batches of events, those that are there first; ends when the signal is aborted. */
  async *follow(id: string, signal: AbortSignal): AsyncGenerator<readonly RecordedEvent<ImprovementEvent>[]> {
    const { database } = this.#options;
    let seen = 0;
    let wake: () => void = () => undefined;
    const stop = database.listen(streamChannel(streamOf(id)), () => wake());
    const onAbort = (): void => wake();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const waiting = Promise.withResolvers<void>();
        wake = waiting.resolve;
        const { events } = await readImprovement(database, id, seen + 1);
        if (events.length > 0) {
          seen = events.at(-1)?.version ?? seen;
          yield events;
          continue;
        }
        // A wake-up may be lost: look again from time to time.
        const timer = setTimeout(waiting.resolve, 1_000);
        await waiting.promise;
        clearTimeout(timer);
      }
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** The improvement of the demo, if it was ever started. */
  async demo(): Promise<{ id: string; ended: boolean } | null> {
    const rows = await listImprovements(this.#options.database, { agent: 'packer' });
    const row = rows.find((one) => one.trigger === 'demo');
    return row === undefined ? null : { id: row.id, ended: row.finishedAt !== null };
  }
}

/** Several nodes may find reasons at the same time; one is enough. @throws SeedError `invalid_state` */
async function refuseBeside(tx: Tx, agent: string): Promise<void> {
  const open = await openOf(tx, agent);
  if (open !== null) throw new SeedError('invalid_state', `the improvement ${open} of ${agent} has not ended`);
}

const OUTCOME_WORDS: Readonly<Record<string, 'promoted' | 'no_gain' | 'rejected' | 'rolled_back' | 'failed' | 'cancelled'>> = {
  live: 'promoted',
  no_gain: 'no_gain',
  rejected: 'rejected',
  rolled_back: 'rolled_back',
  failed: 'failed',
  cancelled: 'cancelled',
};
