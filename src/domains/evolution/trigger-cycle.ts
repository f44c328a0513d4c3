// Looks at every agent from time to time, and asks for an improvement where its contract and what is seen say so. What was decided, and
// on what grounds, can be read for each agent.
import type { Database } from '#db/database.ts';
import { isSeedError, toSeedError } from '#lib/error.ts';
import type { ServedVersion } from '#kernel/runtime/served-version.ts';
import { evidenceDigest } from '#improvement/evidence.ts';
import { emit } from '#telemetry/emit.ts';
import { evidenceFor } from './evidence-store.ts';
import { fingerprintOf } from './fingerprint.ts';
import { DEFAULT_PROPOSER, type Improvements } from './improver.ts';
import { withFingerprint } from './limit-store.ts';
import { currentPause } from './pause-store.ts';
import { decide, type AutomaticPolicy, type AutomaticTrigger, type Seen } from './trigger.ts';
import { historyOf, type AgentHistory } from './trigger-store.ts';

/** One look at one agent. */
export interface Look {
  agent: string;
  atMs: number;
  /** null: there was no need to look, its contract says so. */
  seen: Seen | null;
  /** What an improvement was asked for; null: none was. */
  trigger: AutomaticTrigger | null;
  reason: string;
  /** The improvement that was asked for. */
  improvement: string | null;
}

export interface TriggerCycleOptions {
  database: Database;
  improvements: Pick<Improvements, 'enqueue'>;
  /** The live versions of the agents of this node. */
  live: () => readonly ServedVersion[];
  /** ms between two looks; null: never looks by itself. */
  cycleMs: number | null;
  /** ms since the epoch. */
  nowMs: () => number;
  nodePrincipal: { kind: string; id: string };
  onError: (error: unknown) => void;
}

/** Refusals that are an answer and no fault. */
const REFUSALS: ReadonlySet<string> = new Set(['rate_limited', 'queue_full', 'invalid_state', 'invalid_input']);
const CAME_TO_NOTHING: ReadonlySet<string> = new Set(['failed', 'no_gain', 'rejected', 'rolled_back']);

export class TriggerCycle {
  readonly #options: TriggerCycleOptions;
  readonly #looks = new Map<string, Look>();
  readonly #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();
  #isLooking = false;

  constructor(options: TriggerCycleOptions) {
    this.#options = options;
    if (options.cycleMs !== null) this.#timer = setInterval(() => this.#tick(), options.cycleMs).unref();
  }

  /** ms between two looks; null: it never looks by itself. */
  get cycleMs(): number | null {
    return this.#options.cycleMs;
  }

  /** The last look at an agent; undefined when there was none since the node has started. */
  lookAt(agent: string): Look | undefined {
    return this.#looks.get(agent);
  }

  /** One cycle: every agent once. What goes wrong with one keeps nobody else from being looked at. */
  async look(): Promise<void> {
    for (const version of this.#options.live()) {
      try {
        this.#looks.set(version.agent, await this.#lookAt(version));
      } catch (error) {
        const look = { agent: version.agent, atMs: this.#options.nowMs(), seen: null, trigger: null, improvement: null };
        this.#looks.set(version.agent, { ...look, reason: `it could not be looked at: ${toSeedError(error).message}` });
        this.#options.onError(error);
      }
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
  }

  /** A cycle that takes longer than its time is not overtaken by the next. */
  #tick(): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#last = this.look().finally(() => (this.#isLooking = false));
  }

  async #lookAt(version: ServedVersion): Promise<Look> {
    const { database, nowMs } = this.#options;
    const { agent, hash } = version;
    const { enabled, automatic } = version.contract.improvement;
    const look = { agent, atMs: nowMs(), seen: null, trigger: null, improvement: null };
    if (!enabled) return { ...look, reason: 'its contract does not allow improvements' };
    if (automatic === undefined) return { ...look, reason: 'its contract has no improvement.automatic: only when somebody asks' };
    const history = await historyOf(database, agent, hash);
    const seen = await this.#seen(version, history);
    const { trigger, reason } = decide(automatic, seen);
    if (trigger === null) return { ...look, seen, reason };
    return { ...look, seen, ...(await this.#ask(version, { trigger, reason, automatic, history })) };
  }

  async #seen({ stats }: ServedVersion, history: AgentHistory): Promise<Seen> {
    const { database, nowMs, cycleMs } = this.#options;
    const { calls, errorRate } = stats.figures();
    const { liveAt, lastAskedAt, lastEndedAt, lastOutcome, lastOutcomeAt, good, bad } = history;
    const now = nowMs();
    const sinceMs = (...times: (Date | null)[]): number => now - Math.max(...times.map((time) => time?.getTime() ?? 0), 0);
    const cycles = (ms: number): number => Math.max(0, Math.floor(ms / (cycleMs ?? 60_000)));
    return {
      isPaused: (await currentPause(database)) !== null,
      isObserved: history.isObserved,
      open: history.open,
      failure:
        lastOutcome !== null && CAME_TO_NOTHING.has(lastOutcome) ? { outcome: lastOutcome, cycles: cycles(sinceMs(lastOutcomeAt)) } : null,
      good,
      bad,
      calls,
      errorRate,
      errorRateBefore: (history.observedCalls ?? 0) === 0 ? 0 : (history.observedErrorRate ?? 0),
      idleCycles: cycles(sinceMs(liveAt, lastEndedAt)),
      sinceLastMs: sinceMs(liveAt, lastAskedAt),
    };
  }

  async #ask(
    { agent, hash }: ServedVersion,
    why: { trigger: AutomaticTrigger; reason: string; automatic: AutomaticPolicy; history: AgentHistory },
  ): Promise<Pick<Look, 'trigger' | 'reason' | 'improvement'>> {
    const { database, improvements, nodePrincipal } = this.#options;
    const { trigger, reason, automatic, history } = why;
    const { budgetMs, proposer } = automatic;
    const fingerprint = fingerprintOf({
      agent,
      baseHash: hash,
      proposer: proposer ?? DEFAULT_PROPOSER,
      // Not its words: they hold figures that change while the reason stays.
      goal: trigger,
      budgetMs,
      seed: null,
      evidence: await this.#grounds(agent, trigger, history),
    });
    const before = await withFingerprint(database, agent, fingerprint);
    if (before !== null) {
      return { trigger: null, reason: `${reason}; that was tried: ${before.id} ended as ${before.state}`, improvement: null };
    }
    try {
      const asked = { agent, budgetMs, trigger, goal: reason, fingerprint, principal: nodePrincipal };
      const improvement = await improvements.enqueue(proposer === undefined ? asked : { ...asked, proposer });
      emit('seed_agent.improvement.trigger', { reason }, { agent, id: improvement, trigger });
      return { trigger, reason, improvement };
    } catch (error) {
      if (!isSeedError(error) || !REFUSALS.has(error.code)) throw error;
      return { trigger: null, reason: `${reason}; refused: ${error.message}`, improvement: null };
    }
  }

  /** What must have changed before the same trigger asks again: the evidence, or for those of time the time. */
  async #grounds(agent: string, trigger: AutomaticTrigger, { liveAt, lastEndedAt, lastAskedAt }: AgentHistory): Promise<string> {
    if (trigger === 'schedule' || trigger === 'stagnation') {
      return [liveAt, lastEndedAt, lastAskedAt].map((time) => time?.toISOString() ?? '').join(' ');
    }
    const evidence = await evidenceFor(this.#options.database, agent);
    return evidence === null ? '' : evidenceDigest(evidence);
  }
}
