// Brings one agent to what its desired row says, changes that row, and watches a new version until it is proven or taken back.
import { SeedError, toSeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { emit } from '#telemetry/emit.ts';
import type { AgentWorker } from '../runtime/agent-worker.ts';
import type { ServedVersion } from '../runtime/served-version.ts';
import type { Rehearsal } from '../runtime/state-rehearsal.ts';
import { analyse, type Analysis } from './analysis.ts';
import type { CallFigures } from './call-stats.ts';
import type { Quarantine, Quarantined } from './quarantine.ts';
import { STRIKES_WINDOW_MS } from './strikes.ts';
import { liveHash, type DesiredChange, type DesiredRow, type DesiredState, type SwapKind } from './desired-state.ts';

const TICK_MS = 250;
/** How far back the figures of the version before are looked at. */
const BASELINE_MS = 60_000;

export interface Swapped {
  agent: string;
  generation: number;
  kind: SwapKind;
  fromHash: string | null;
  /** Null when nothing was live, or this node did not serve it. */
  fromNumber: number | null;
  toHash: string;
  toNumber: number;
  reason: string;
  /** Whether the version is watched now. */
  observing: boolean;
  /** Null where there were no versions of states to think of. */
  rehearsal: Rehearsal | null;
  principal: { kind: string; id: string };
  /** From the decision until new calls go to the version, microseconds. */
  durationUs: number;
}

export type ObservationVerdict = 'healthy' | 'unverified' | 'rolled_back';

export interface Observed {
  agent: string;
  hash: string;
  verdict: ObservationVerdict;
  analysis: Analysis;
}

/** Port: who is told of what became live and what its observation showed. */
export interface RolloutLog {
  /** After it was written down with the desired row. */
  swapped(swap: Swapped): void;
  observed(observation: Observed): Promise<void>;
}

export interface RolloutOptions {
  worker: AgentWorker;
  desired: DesiredState;
  quarantine: Quarantine;
  log: RolloutLog;
  nodePrincipal: { kind: string; id: string };
  /** ms since the epoch */
  nowMs: () => number;
  monotonicMs: () => number;
  /** Improvements that wait or run, for the telemetry event. */
  queueDepth: () => number;
  /** Tries a version on copies of the states it would meet. @throws SeedError `validation_failed` */
  rehearse: (version: ServedVersion, live: ServedVersion | null) => Promise<Rehearsal | null>;
  onError: (error: unknown) => void;
}

/** On the clock that nobody sets: the row's own deadline is for people, and for whoever takes over. */
interface Observation {
  hash: string;
  startedMs: number;
  endsMs: number;
  baseline: CallFigures;
}

export interface PromoteRequest {
  hash: string;
  principal: { kind: string; id: string };
  reason: string;
  /** Lets it out of quarantine: a person has said why. Default false: a version in quarantine is refused. */
  release?: boolean;
}

export class Rollout {
  readonly #options: RolloutOptions;
  #row: DesiredRow | null = null;
  #observation: Observation | null = null;
  #timer: NodeJS.Timeout | null = null;
  #change: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: RolloutOptions) {
    this.#options = options;
  }

  get row(): DesiredRow | null {
    return this.#row;
  }

  /** Reads the desired row and goes there: at start, and when another node may have changed it. */
  reconcile(): Promise<void> {
    return this.#exclusive(async () => {
      const row = await this.#options.desired.get(this.#options.worker.agent);
      if (row === null || (this.#row !== null && row.generation <= this.#row.generation)) return;
      const hash = liveHash(row);
      this.#row = row;
      // Cut off between the two, by a crash.
      const quarantined = hash === null ? null : await this.#options.quarantine.find(row.agent, hash);
      if (hash !== null && quarantined !== null && (await this.#leave(row, hash, quarantined))) return;
      if (hash !== null && hash !== this.#options.worker.live?.hash) await this.#options.worker.switchTo(hash);
      if (row.phase === 'observing' && row.canary !== null) this.#observe(row.canary, { baseline: NOTHING_SEEN, forMs: this.#leftMs(row) });
      else this.#stopObserving();
    });
  }

  /** Only what `promote` would try on copies of states. @throws as it does */
  async rehearse(request: Pick<PromoteRequest, 'hash' | 'release'>): Promise<Rehearsal | null> {
    const { worker, rehearse } = this.#options;
    const { hash } = request;
    await this.#quarantined(request);
    return rehearse(await worker.prepare(hash), worker.live);
  }

  /** Makes a version live and watches it. @throws SeedError what loading it said, `conflict`, `invalid_state` when it is in quarantine */
  promote(request: PromoteRequest): Promise<Swapped> {
    return this.#exclusive(() => this.#swap('promote', request));
  }

  /**
   * A version has ended the sandbox host it ran in. After the third time within the window it is quarantined, whether it is live or
   * not, and if it is, the version before takes its place.
   */
  strike(hash: string): Promise<void> {
    const { worker } = this.#options;
    const strikes = worker.strikes(hash);
    const wasOut = strikes.isOut;
    strikes.add();
    emit('seed_agent.version.strike', { strikes: strikes.count }, { agent: worker.agent, hash });
    if (!strikes.isOut) return Promise.resolve();
    return this.#exclusive(() => this.#strikeOut(hash, { strikes: strikes.count, again: wasOut }));
  }

  /** Goes back to `hash`, or to the version that was live before. It is not watched: it was live already. @throws SeedError `invalid_state` */
  rollback(request: Omit<PromoteRequest, 'hash'> & { hash?: string }): Promise<Swapped> {
    return this.#exclusive(() => {
      const hash = request.hash ?? this.#row?.previous;
      if (hash === null || hash === undefined) {
        throw new SeedError('invalid_state', `${this.#options.worker.agent} has no version before the present one`);
      }
      return this.#swap('rollback', { ...request, hash, release: false });
    });
  }

  /** Where `rollback` would go. */
  get rollbackTarget(): string | null {
    return this.#row?.previous ?? null;
  }

  close(): Promise<unknown> {
    this.#closed = true;
    this.#stopObserving();
    return this.#change.catch(() => undefined);
  }

  /** One change after the other. */
  #exclusive<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#change.then(change);
    this.#change = result.catch(() => undefined);
    return result;
  }

  /** The swap, told to whoever listens: start, then success or error, then how long it took. */
  async #swap(kind: SwapKind, request: PromoteRequest): Promise<Swapped> {
    const { worker, desired, monotonicMs, queueDepth } = this.#options;
    const before = this.#row ?? (await desired.get(worker.agent));
    if (worker.live?.hash === request.hash && before !== null && liveHash(before) === request.hash) {
      throw new SeedError('invalid_state', `v${worker.live.number} of ${worker.agent} is live already`);
    }
    const about = {
      agent: worker.agent,
      id: uuidv7(),
      hash: request.hash,
      cause: kind === 'promote' ? ('promote' as const) : ('rollback' as const),
    };
    const startedMs = monotonicMs();
    emit('seed_agent.hot_reload.start', { queue_depth: queueDepth() }, about);
    try {
      const swapped = await this.#makeLive(kind, request, { before, startedMs });
      emit('seed_agent.hot_reload.success', { version: `v${swapped.toNumber}` }, about);
      emit('seed_agent.hot_reload.duration', { duration: Math.round(swapped.durationUs) }, { ...about, outcome: 'success' });
      return swapped;
    } catch (thrown) {
      const error = toSeedError(thrown);
      emit('seed_agent.hot_reload.error', { reason: `${error.code}: ${error.message}` }, about);
      emit('seed_agent.hot_reload.duration', { duration: Math.round((monotonicMs() - startedMs) * 1000) }, { ...about, outcome: 'error' });
      throw error;
    }
  }

  async #makeLive(
    kind: SwapKind,
    request: PromoteRequest,
    { before, startedMs }: { before: DesiredRow | null; startedMs: number },
  ): Promise<Swapped> {
    const { worker, desired, nowMs, monotonicMs } = this.#options;
    const from = worker.live;
    const quarantined = await this.#quarantined(request);
    // Everything that can fail is done before the row changes: verified, loaded in every host.
    const to = await worker.prepare(request.hash);
    const rehearsal = kind === 'promote' ? await this.#options.rehearse(to, from) : null;
    const policy = to.contract.rollout;
    const observing = kind === 'promote' && before?.stable !== null && before !== null;
    const live = before === null ? null : liveHash(before);
    const change: DesiredChange = observing
      ? {
          stable: before.stable,
          canary: request.hash,
          weight: 100,
          previous: live,
          phase: 'observing',
          deadlineMs: nowMs() + policy.observeMs,
          reason: request.reason,
        }
      : {
          stable: request.hash,
          canary: null,
          weight: 0,
          previous: kind === 'automatic_rollback' ? null : live,
          phase: 'idle',
          deadlineMs: null,
          reason: request.reason,
        };
    let row: DesiredRow;
    try {
      row = await desired.compareAndSet(worker.agent, before?.generation ?? 0, change, {
        kind,
        fromHash: from?.hash ?? live,
        toHash: request.hash,
        observing,
        principal: request.principal,
        preparedUs: (monotonicMs() - startedMs) * 1000,
        releases: quarantined !== null,
      });
    } catch (error) {
      this.#row = null;
      throw error;
    }
    this.#row = row;
    if (quarantined !== null) {
      worker.forgive(request.hash);
      const { kind: who, id } = request.principal;
      emit(
        'seed_agent.version.released',
        {},
        { agent: worker.agent, version: to.label, hash: to.hash, by: `${who} ${id}`, reason: request.reason },
      );
    }
    const baseline = from?.stats.figures(BASELINE_MS) ?? NOTHING_SEEN;
    await worker.switchTo(request.hash);
    const swapped: Swapped = {
      agent: worker.agent,
      generation: row.generation,
      kind,
      fromHash: from?.hash ?? live,
      fromNumber: from?.number ?? null,
      toHash: request.hash,
      toNumber: to.number,
      reason: request.reason,
      observing,
      rehearsal,
      principal: request.principal,
      durationUs: (monotonicMs() - startedMs) * 1000,
    };
    if (observing) this.#observe(request.hash, { baseline, forMs: policy.observeMs });
    else this.#stopObserving();
    this.#options.log.swapped(swapped);
    return swapped;
  }

  /** Never more than the whole time, however the clock was set meanwhile. */
  #leftMs({ deadlineMs }: DesiredRow): number {
    const { worker, nowMs } = this.#options;
    const wholeMs = worker.live?.contract.rollout.observeMs ?? 0;
    return deadlineMs === null ? wholeMs : Math.max(0, Math.min(wholeMs, deadlineMs - nowMs()));
  }

  #observe(hash: string, { baseline, forMs }: { baseline: CallFigures; forMs: number }): void {
    const startedMs = this.#options.monotonicMs();
    this.#observation = { hash, startedMs, endsMs: startedMs + forMs, baseline };
    this.#options.worker.observed = true;
    this.#timer ??= setInterval(() => {
      this.#exclusive(() => this.#tick()).catch((error: unknown) => this.#options.onError(error));
    }, TICK_MS);
  }

  #stopObserving(): void {
    this.#observation = null;
    this.#options.worker.observed = false;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  async #tick(): Promise<void> {
    const observation = this.#observation;
    const row = this.#row;
    const version = this.#options.worker.live;
    if (this.#closed || observation === null || row === null || version?.hash !== observation.hash) return;
    const nowMs = this.#options.monotonicMs();
    const canary = version.stats.figures(nowMs - observation.startedMs);
    const ended = nowMs >= observation.endsMs;
    const analysis = analyse(observation.baseline, canary, { policy: version.contract.rollout, ended });
    if (analysis.phase === 'continue') return;
    if (analysis.phase === 'failed') return this.#takeBack(row, observation.hash, analysis);
    await this.#accept(row, observation.hash, analysis);
  }

  async #accept(row: DesiredRow, hash: string, analysis: Analysis): Promise<void> {
    const verdict = analysis.phase === 'successful' ? 'healthy' : 'unverified';
    this.#row = await this.#options.desired.compareAndSet(row.agent, row.generation, {
      stable: hash,
      canary: null,
      weight: 0,
      previous: row.previous,
      phase: 'idle',
      deadlineMs: null,
      reason: `${verdict}: ${analysis.reason}`,
    });
    this.#stopObserving();
    await this.#options.log.observed({ agent: row.agent, hash, verdict, analysis });
  }

  async #takeBack(row: DesiredRow, hash: string, analysis: Analysis): Promise<void> {
    if (row.stable === null) return;
    const { quarantine } = this.#options;
    const isOut = (await quarantine.find(row.agent, row.stable)) !== null;
    const to = isOut ? await quarantine.acceptedBefore(row.agent, hash, null) : row.stable;
    if (to !== null) return this.#goBack(row, { from: hash, to, analysis });
    // Worse than one that ends its hosts it can not be.
    await this.#accept(row, hash, { ...analysis, phase: 'unverified', reason: `${analysis.reason}; the version before is in quarantine` });
  }

  async #goBack(row: DesiredRow, { from, to, analysis }: { from: string; to: string; analysis: Analysis }): Promise<void> {
    const { worker, log, nodePrincipal } = this.#options;
    const number = worker.live?.number ?? 0;
    const swapped = await this.#swap('automatic_rollback', { hash: to, principal: nodePrincipal, reason: analysis.reason });
    emit(
      'seed_agent.rollout.rollback',
      { calls: analysis.canary.calls },
      { agent: row.agent, from: `v${number}`, to: `v${swapped.toNumber}`, reason: analysis.cause },
    );
    await log.observed({ agent: row.agent, hash: from, verdict: 'rolled_back', analysis });
  }

  async #strikeOut(hash: string, { strikes, again }: { strikes: number; again: boolean }): Promise<void> {
    const { worker, quarantine, nodePrincipal } = this.#options;
    const { agent } = worker;
    const reason = `it ended its sandbox host ${strikes} times within ${STRIKES_WINDOW_MS / 60_000} minutes`;
    const isNew = await quarantine.add({ agent, hash, reason, strikes }, nodePrincipal);
    if (isNew) emit('seed_agent.version.quarantined', { strikes }, { agent, hash });
    const row = this.#row;
    if (row === null || liveHash(row) !== hash || (again && !isNew)) return;
    await this.#leave(row, hash, { reason });
  }

  /** @returns false when there is no version to go to: then it stays live, quarantined, and rests between its strikes */
  async #leave(row: DesiredRow, hash: string, { reason }: Pick<Quarantined, 'reason'>): Promise<boolean> {
    const { worker, quarantine } = this.#options;
    const preferred = row.canary === hash ? row.stable : null;
    const to = await quarantine.acceptedBefore(row.agent, hash, preferred);
    if (to === null) return false;
    const canary = worker.live?.hash === hash ? worker.live.stats.figures(BASELINE_MS) : NOTHING_SEEN;
    const analysis: Analysis = { phase: 'failed', reason, cause: 'strikes', stable: this.#observation?.baseline ?? NOTHING_SEEN, canary };
    await this.#goBack(row, { from: hash, to, analysis });
    // Loading it may be what ends a host.
    void worker.retire(hash);
    return true;
  }

  /** @returns the entry that a person lets it out of @throws SeedError `invalid_state` for everybody else */
  async #quarantined({ hash, release = false }: Pick<PromoteRequest, 'hash' | 'release'>): Promise<Quarantined | null> {
    const { agent } = this.#options.worker;
    const found = await this.#options.quarantine.find(agent, hash);
    if (found === null || release) return found;
    const name = hash.slice(0, 12);
    const what = found.hash === hash ? 'it' : `its script is that of ${found.hash.slice(0, 12)}, which`;
    throw new SeedError('invalid_state', `${name} of ${agent} can not go live: ${what} is in quarantine, because ${found.reason}`, {
      details: { quarantined: found.hash, reason: found.reason, at: found.at },
      hint: `who knows why it is safe now lets it out: seed code:promote ${agent} ${name} --reason "…" --confirm`,
    });
  }
}

const NOTHING_SEEN: CallFigures = { calls: 0, errors: 0, limitHits: 0, errorRate: 0, p95Ms: null, ownP95Ms: null };
