// Which version answers which call. The way of a call: version → input check → (instance's turn) → host → output check →
// commit → record.
import { SeedError, toSeedError, type ErrorCode } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { nearest } from '#lib/nearest.ts';
import type { CallLog as LogLine, CallOutcome } from '../sandbox/call.ts';
import type { AgentWorker } from './agent-worker.ts';
import type { Broker } from './capabilities/broker.ts';
import { emitEnd, whoIsToBlame } from './call-end.ts';
import type { CallLog } from './call-log.ts';
import { callRecord } from './call-record.ts';
import { CallStream } from './call-stream.ts';
import type { Invoked, InvokeRequest } from './invoke-request.ts';
import { CallWaits } from './capabilities/waits.ts';
import { InstanceWaits } from './instance-waits.ts';
import { STATE_MIGRATED, type InstanceTurn } from './instance.ts';
import { failureError, run, type Blame, type Invocation } from './invocation.ts';
import type { Parked, ParkedCalls, ParkingCommit, ResumedCall } from './parked-call.ts';
import { parkedCall, parkedSituation, seedErrorOf } from './parking.ts';
import { DEFAULT_KEY, inputHashOf, repeatedAnswer } from './repeated-answer.ts';
import { goOn, invocationOf, type Resumed } from './resumption.ts';
import { ascend } from './state-ascent.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingHosts } from './serving-hosts.ts';
import type { IdempotentAnswer, StateStore } from './state-store.ts';

/** How a call can end that was committed all the same. */
const MAY_BE_KEPT: ReadonlySet<ErrorCode> = new Set(['conflict', 'database_unavailable', 'internal']);

export interface RuntimeOptions {
  hosts: ServingHosts;
  state: StateStore;
  log: CallLog;
  parked: ParkedCalls;
  /** What calls can ask for beside log, now, random and state. */
  broker: Broker;
  /** ms since the epoch */
  nowMs: () => number;
  monotonicMs: () => number;
  /** Unsigned 32 bits. */
  randomSeed: () => number;
  /** A line that an agent wrote with ctx.log or console. */
  onLogLine: (line: LogLine, from: { agent: string; version: number; callId: string; key: string | null }) => void;
}

export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #waits = new InstanceWaits();
  readonly #workers = new Map<string, AgentWorker>();
  /** Calls in flight by agent and idempotency key: the second waits for the first. */
  readonly #pending = new Map<string, Promise<unknown>>();

  constructor(options: RuntimeOptions) {
    this.#options = options;
  }

  add(worker: AgentWorker): void {
    this.#workers.set(worker.agent, worker);
  }

  remove(worker: AgentWorker): void {
    if (this.#workers.get(worker.agent) === worker) this.#workers.delete(worker.agent);
  }

  workers(): readonly AgentWorker[] {
    return [...this.#workers.values()];
  }

  find(agent: string): AgentWorker | undefined {
    return this.#workers.get(agent);
  }

  /** @throws SeedError `not_found` with the nearest name */
  worker(agent: string): AgentWorker {
    const worker = this.#workers.get(agent);
    if (worker !== undefined) return worker;
    const close = nearest(agent, [...this.#workers.keys()]);
    throw new SeedError('not_found', `no agent ${JSON.stringify(agent.slice(0, 80))} is running`, {
      hint: close === undefined ? 'seed agents:list shows all of them' : `did you mean ${close}?`,
    });
  }

  /**
   * Calls an agent, and waits for its answer: the call can not be parked.
   * @throws SeedError `not_found`, `invalid_input`, `payload_too_large`, `idempotency_mismatch`, `queue_full`, `agent_error`,
   *   `cpu_limit`, `memory_limit`, `deadline`, `cancelled`, `conflict`, `unavailable`, `database_unavailable`
   */
  async invoke(request: InvokeRequest): Promise<Invoked> {
    const answer = await this.#answer(request, false);
    if (answer.state === 'done') return answer;
    throw new SeedError('invalid_state', `the call ${answer.callId} of ${request.agent} with this idempotency key is parked`, {
      hint: `seed agents:calls:get ${request.agent} ${answer.callId}`,
    });
  }

  /** Calls an agent; a call that waits for what comes later is parked. @throws as `invoke` */
  invokeOrPark(request: InvokeRequest): Promise<Invoked | Parked> {
    return this.#answer(request, true);
  }

  /** Goes on with a parked call. @throws SeedError what may be tried again; `not_found`, `invalid_state` while the agent does not run */
  async resume(call: ResumedCall, options: { signal: AbortSignal; isFirstTry: boolean }): Promise<Resumed> {
    const worker = this.worker(call.agent);
    const version = await worker.version(call.hash);
    const run = (turn: InstanceTurn | null): Promise<Resumed> => this.#resume(worker, version, { call, turn, ...options });
    return version.stateful ? worker.instance(call.key ?? DEFAULT_KEY).turn(run) : run(null);
  }

  async #answer(request: InvokeRequest, mayPark: boolean): Promise<Invoked | Parked> {
    const worker = this.worker(request.agent);
    const { idempotencyKey } = request;
    if (idempotencyKey === undefined) return this.#invoke(worker, request, mayPark);
    const pendingKey = `${request.agent}\n${idempotencyKey}`;
    const before = this.#pending.get(pendingKey);
    const answer = (async () => {
      await before?.catch(() => undefined);
      return this.#invokeOnce(worker, request, { idempotencyKey, mayPark });
    })();
    this.#pending.set(pendingKey, answer);
    try {
      return await answer;
    } finally {
      if (this.#pending.get(pendingKey) === answer) this.#pending.delete(pendingKey);
    }
  }

  async #invokeOnce(
    worker: AgentWorker,
    request: InvokeRequest,
    { idempotencyKey, mayPark }: { idempotencyKey: string; mayPark: boolean },
  ): Promise<Invoked | Parked> {
    const known = await this.#options.state.findAnswer(worker.agent, idempotencyKey);
    const { parked } = this.#options;
    if (known !== null) return repeatedAnswer(known, { request, idempotencyKey, parked });
    try {
      return await this.#invoke(worker, request, mayPark);
    } catch (thrown) {
      const error = toSeedError(thrown);
      // Whether it was committed may not be known, or another node was faster: what is kept under the key decides. Chunks that
      // somebody has read already can not be those of another call.
      if (!MAY_BE_KEPT.has(error.code) || request.reader !== undefined) throw error;
      const kept = await this.#options.state.findAnswer(worker.agent, idempotencyKey).catch(() => null);
      if (kept === null) throw error;
      return repeatedAnswer(kept, { request, idempotencyKey, parked });
    }
  }

  async #invoke(worker: AgentWorker, request: InvokeRequest, mayPark: boolean): Promise<Invoked | Parked> {
    const resolved = worker.version(request.hash);
    const version = resolved instanceof Promise ? await resolved : resolved;
    if (!version.stateful) {
      if (request.key !== undefined) {
        throw new SeedError(
          'invalid_input',
          `${worker.agent} keeps no state, so it has no instance ${JSON.stringify(request.key.slice(0, 80))}`,
          {
            hint: 'leave the key out',
          },
        );
      }
      return this.#call(worker, version, { request, turn: null, mayPark });
    }
    const key = request.key ?? DEFAULT_KEY;
    const instance = worker.instance(key);
    // Only a call that an agent made can keep somebody from the turn that it waits for.
    const chosen = request.origin === undefined ? null : this.#waits.wait(request.origin.chain, worker.agent, key);
    // While it waited another version may have gone live: a call runs on the one that is live when its turn comes.
    const answer = instance.turn(async (turn) => {
      chosen?.();
      if (request.origin !== undefined && request.signal?.().aborted === true) throw new SeedError('cancelled', 'the caller has gone');
      const answering = await worker.versionFor(request.hash, key, turn);
      return this.#call(worker, answering, { request, turn, mayPark });
    });
    return chosen === null ? answer : answer.finally(chosen);
  }

  async #call(
    worker: AgentWorker,
    version: ServedVersion,
    call: { request: InvokeRequest; turn: InstanceTurn | null; mayPark: boolean },
  ): Promise<Invoked | Parked> {
    const { request, turn, mayPark } = call;
    const exportName = request.exportName ?? 'handle';
    const key = turn === null ? null : (request.key ?? DEFAULT_KEY);
    const checks = version.checks(exportName);
    const inputJson = checks.inputJson(request.input);
    const { nowMs, monotonicMs } = this.#options;
    const link = { callId: uuidv7(nowMs()), agent: worker.agent, key };
    const invocation: Invocation = {
      callId: link.callId,
      exportName,
      inputJson,
      key,
      timeMs: nowMs(),
      seed: this.#options.randomSeed(),
      principal: { kind: request.principal.kind, id: request.principal.id },
      chain: request.origin === undefined ? [link] : [...request.origin.chain, link],
      deadlineAtMs: request.origin?.deadlineAtMs ?? null,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
    const startedMs = monotonicMs();
    let outcome: CallOutcome | null = null;
    let ownUs = 0;
    let isParked = false;
    const stream = new CallStream({
      head: { callId: invocation.callId, version: version.number, hash: version.hash },
      checks,
      declared: checks.streams,
      outputBytes: version.contract.limits.outputBytes,
      reader: request.reader ?? null,
      keepAll: request.idempotencyKey !== undefined,
      signal: request.signal,
      open: worker.streams,
    });
    let blamed: Blame | undefined;
    const release = turn === null ? null : this.#waits.hold(link);
    version.enter();
    try {
      if (turn !== null && key !== null && version.stateVersion > 1) {
        const mayChange = request.hash === undefined || request.hash === worker.live?.hash;
        const failed = await ascend({ version, key, turn, hosts: this.#options.hosts, mayChange });
        if (failed !== null) {
          ({ blamed } = failed);
          throw failed.error;
        }
      }
      const waits = version.parks ? new CallWaits({ answers: new Map(), mayPark }) : null;
      const ran = await run(invocation, version, { hosts: this.#options.hosts, broker: this.#options.broker, turn, stream, waits });
      ({ outcome, ownUs } = ran);
      if (!outcome.ok && outcome.failure === 'parked') {
        const { journal } = outcome;
        if (ran.stateJson !== undefined) version.checkState(ran.stateJson);
        await this.#commit(worker, version, {
          request,
          invocation,
          turn,
          outputJson: null,
          streamed: false,
          stateJson: ran.stateJson,
          durationUs: 0,
          parking: { kind: 'park', fence: null, call: parkedCall(version, invocation, journal) },
        });
        isParked = true;
        emitEnd(version, { invocation, outcome, error: null, durationMs: monotonicMs() - startedMs });
        return await parkedSituation(this.#options.parked, worker.agent, invocation.callId);
      }
      if (!outcome.ok) throw ran.error ?? failureError(outcome, version.mapStack(outcome.error.stack));
      if (!outcome.streamed) stream.checkPlain(outcome.outputJson);
      if (ran.stateJson !== undefined) version.checkState(ran.stateJson);
      const durationUs = (monotonicMs() - startedMs) * 1000;
      await this.#commit(worker, version, {
        request,
        invocation,
        turn,
        outputJson: outcome.outputJson,
        streamed: outcome.streamed,
        stateJson: ran.stateJson,
        durationUs,
      });
      const durationMs = monotonicMs() - startedMs;
      const recorded = this.#finish(worker, version, { invocation, outcome, ownUs, error: null, durationMs });
      const { outputJson, streamed } = outcome;
      const { number, hash } = version;
      return {
        state: 'done',
        callId: invocation.callId,
        outputJson,
        streamed,
        version: number,
        hash,
        durationMs,
        recorded,
        replayed: false,
      };
    } catch (thrown) {
      const error = toSeedError(thrown);
      if (isParked) throw error;
      if (request.hash === undefined && metNewerState(error, version)) worker.states.metAbove();
      const durationMs = monotonicMs() - startedMs;
      this.#finish(worker, version, {
        invocation,
        outcome,
        ownUs,
        error,
        durationMs,
        ...(blamed === undefined ? {} : { blamed }),
      });
      throw error;
    } finally {
      stream.end(worker.agent);
      release?.();
      version.leave();
    }
  }

  async #commit(
    worker: AgentWorker,
    version: ServedVersion,
    call: {
      request: InvokeRequest;
      invocation: Invocation;
      turn: InstanceTurn | null;
      /** null: it is parked. */
      outputJson: string | null;
      streamed: boolean;
      stateJson: string | undefined;
      durationUs: number;
      parking?: ParkingCommit;
    },
  ): Promise<void> {
    const { request, invocation, turn, outputJson, streamed, stateJson, durationUs, parking } = call;
    const { idempotencyKey } = request;
    if (turn === null && idempotencyKey === undefined && parking === undefined) return;
    const answer = (): IdempotentAnswer => ({
      callId: invocation.callId,
      inputHash: inputHashOf(request),
      exportName: invocation.exportName,
      version: version.number,
      hash: version.hash,
      outputJson,
      streamed,
      durationUs,
    });
    const idempotency = idempotencyKey === undefined ? null : { key: idempotencyKey, answer: answer() };
    const parked = parking === undefined ? {} : { parking };
    if (turn !== null)
      await turn.commit({ stateJson, stateHash: version.hash, stateVersion: version.stateVersion, idempotency, ...parked });
    else await this.#options.state.commit({ agent: worker.agent, instance: null, idempotency, ...parked }, 0);
  }

  /** Counts the call and hands its record on. @returns whether it is kept */
  #finish(
    worker: AgentWorker,
    version: ServedVersion,
    call: {
      invocation: Invocation;
      outcome: CallOutcome | null;
      ownUs: number;
      error: SeedError | null;
      durationMs: number;
      /** Where it is known otherwise than from the outcome. */
      blamed?: Blame;
      /** Recorded whatever the sampler says. */
      always?: boolean;
    },
  ): boolean {
    const { invocation, outcome, error, durationMs, blamed = whoIsToBlame(outcome, error) } = call;
    if (blamed !== null) version.stats.observe({ durationUs: durationMs * 1000, ownUs: call.ownUs, outcome: blamed });
    emitEnd(version, call);
    for (const line of outcome?.logs ?? []) {
      this.#options.onLogLine(line, { agent: worker.agent, version: version.number, callId: invocation.callId, key: invocation.key });
    }
    const recorded = worker.sampler.take(this.#options.monotonicMs(), worker.observed || error !== null) || call.always === true;
    if (recorded) {
      const live = (agent: string): ServedVersion | null => this.#workers.get(agent)?.live ?? null;
      this.#options.log.record(callRecord(version, { ...call, principal: invocation.principal, live }));
    }
    return recorded;
  }

  async #resume(
    worker: AgentWorker,
    version: ServedVersion,
    { call, turn, signal, isFirstTry }: { call: ResumedCall; turn: InstanceTurn | null; signal: AbortSignal; isFirstTry: boolean },
  ): Promise<Resumed> {
    const { hosts, state, parked, monotonicMs } = this.#options;
    const startedMs = monotonicMs();
    const release = turn === null ? null : this.#waits.hold({ callId: call.id, agent: call.agent, key: call.key });
    version.enter();
    try {
      const resumed = await goOn(call, version, { hosts, broker: this.#options.broker, state, parked, turn, signal, isFirstTry });
      const { outcome, ownUs, end } = resumed;
      const invocation = invocationOf(call, signal);
      const durationMs = monotonicMs() - startedMs;
      const error = end === null || end.ok ? null : seedErrorOf(end.error);
      if (end === null) emitEnd(version, { invocation, outcome, error, durationMs });
      else this.#finish(worker, version, { invocation, outcome, ownUs, error, durationMs, always: true });
      return resumed;
    } finally {
      release?.();
      version.leave();
    }
  }
}

/** Another node is ahead: the state was written by a newer version than the one that is live here. */
function metNewerState(error: SeedError, version: ServedVersion): boolean {
  const { reason, stateVersion = 0 } = (error.details ?? {}) as { reason?: unknown; stateVersion?: number };
  return reason === STATE_MIGRATED && stateVersion > version.stateVersion;
}
