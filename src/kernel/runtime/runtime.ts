// Which version answers which call. The way of a call: version → input check → (instance's turn) → host → output check →
// commit → record.
import { SeedError, toSeedError, type ErrorCode } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { nearest } from '#lib/nearest.ts';
import { emit } from '#telemetry/emit.ts';
import type { Metadata } from '#telemetry/events.ts';
import type { CallLog as LogLine, CallOutcome } from '../sandbox/call.ts';
import type { AgentWorker } from './agent-worker.ts';
import { Broker } from './capabilities/broker.ts';
import type { Capability } from './capabilities/capability.ts';
import type { CallLog } from './call-log.ts';
import { callRecord } from './call-record.ts';
import { CallStream, type ChunkReader } from './call-stream.ts';
import { STATE_MIGRATED, type InstanceTurn } from './instance.ts';
import { ascend } from './state-ascent.ts';
import { blame, checkSameInput, failureError, hashInput, run, type Blame, type Invocation } from './invocation.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingHosts } from './serving-hosts.ts';
import type { IdempotentAnswer, StateStore } from './state-store.ts';

const DEFAULT_KEY = 'default';
/** How a call can end that was committed all the same. */
const MAY_BE_KEPT: ReadonlySet<ErrorCode> = new Set(['conflict', 'database_unavailable', 'internal']);

export interface InvokeRequest {
  agent: string;
  /** Default `handle`. */
  exportName?: string;
  input: unknown;
  /** Instance of a stateful agent, default `default`; refused by a stateless one. */
  key?: string;
  idempotencyKey?: string;
  /** Hash of a version to run on instead of the live one. */
  hash?: string;
  principal: { kind: string; id: string };
  /** Aborted when the caller goes away. */
  signal?: () => AbortSignal;
  /** Takes the chunks of a handler that is an async generator as they come. Default: they are collected into the answer. */
  reader?: ChunkReader;
}

export interface Invoked {
  callId: string;
  /** JSON text, checked against the contract: what the handler gave, or the list of its chunks; '' where a reader had them. */
  outputJson: string;
  /** The handler gave an async generator. */
  streamed: boolean;
  version: number;
  hash: string;
  durationMs: number;
  recorded: boolean;
  /** The answer of an earlier call with the same idempotency key. */
  replayed: boolean;
}

export interface RuntimeOptions {
  hosts: ServingHosts;
  state: StateStore;
  log: CallLog;
  /** What contracts can grant beside log, now, random and state. */
  capabilities: readonly Capability[];
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
  readonly #broker: Broker;
  readonly #workers = new Map<string, AgentWorker>();
  /** Calls in flight by agent and idempotency key: the second waits for the first. */
  readonly #pending = new Map<string, Promise<unknown>>();

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.#broker = new Broker(options.capabilities);
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
   * Calls an agent.
   * @throws SeedError `not_found`, `invalid_input`, `payload_too_large`, `idempotency_mismatch`, `queue_full`, `agent_error`,
   *   `cpu_limit`, `memory_limit`, `deadline`, `cancelled`, `conflict`, `unavailable`, `database_unavailable`
   */
  async invoke(request: InvokeRequest): Promise<Invoked> {
    const worker = this.worker(request.agent);
    const { idempotencyKey } = request;
    if (idempotencyKey === undefined) return this.#invoke(worker, request);
    const pendingKey = `${request.agent}\n${idempotencyKey}`;
    const before = this.#pending.get(pendingKey);
    const answer = (async () => {
      await before?.catch(() => undefined);
      return this.#invokeOnce(worker, request, idempotencyKey);
    })();
    this.#pending.set(pendingKey, answer);
    try {
      return await answer;
    } finally {
      if (this.#pending.get(pendingKey) === answer) this.#pending.delete(pendingKey);
    }
  }

  async #invokeOnce(worker: AgentWorker, request: InvokeRequest, idempotencyKey: string): Promise<Invoked> {
    const known = await this.#options.state.findAnswer(worker.agent, idempotencyKey);
    if (known !== null) return repeated(known, { request, idempotencyKey });
    try {
      return await this.#invoke(worker, request);
    } catch (thrown) {
      const error = toSeedError(thrown);
      // Whether it was committed may not be known, or another node was faster: what is kept under the key decides. Chunks that
      // somebody has read already can not be those of another call.
      if (!MAY_BE_KEPT.has(error.code) || request.reader !== undefined) throw error;
      const kept = await this.#options.state.findAnswer(worker.agent, idempotencyKey).catch(() => null);
      if (kept === null) throw error;
      return repeated(kept, { request, idempotencyKey });
    }
  }
  async #invoke(worker: AgentWorker, request: InvokeRequest): Promise<Invoked> {
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
      return this.#call(worker, version, { request, turn: null });
    }
    const instance = worker.instance(request.key ?? DEFAULT_KEY);
    // While it waited another version may have gone live: a call runs on the one that is live when its turn comes.
    return instance.turn(async (turn) => {
      const answering = await worker.versionFor(request.hash, request.key ?? DEFAULT_KEY, turn);
      return this.#call(worker, answering, { request, turn });
    });
  }

  async #call(worker: AgentWorker, version: ServedVersion, call: { request: InvokeRequest; turn: InstanceTurn | null }): Promise<Invoked> {
    const { request, turn } = call;
    const exportName = request.exportName ?? 'handle';
    const key = turn === null ? null : (request.key ?? DEFAULT_KEY);
    const checks = version.checks(exportName);
    const inputJson = checks.inputJson(request.input);
    const { nowMs, monotonicMs } = this.#options;
    const invocation: Invocation = {
      callId: uuidv7(nowMs()),
      exportName,
      inputJson,
      key,
      timeMs: nowMs(),
      seed: this.#options.randomSeed(),
      principal: { kind: request.principal.kind, id: request.principal.id },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    };
    const startedMs = monotonicMs();
    let outcome: CallOutcome | null = null;
    let ownUs = 0;
    const stream = new CallStream({
      head: { callId: invocation.callId, version: version.number, hash: version.hash },
      checks,
      declared: checks.streams,
      outputBytes: version.contract.limits.outputBytes,
      reader: request.reader ?? null,
      keepAll: request.idempotencyKey !== undefined,
      signal: request.signal,
    });
    let blamed: Blame | undefined;
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
      const ran = await run(invocation, version, { hosts: this.#options.hosts, broker: this.#broker, turn, stream });
      ({ outcome, ownUs } = ran);
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
      const recorded = this.#finish(worker, version, { invocation, request, outcome, ownUs, error: null, durationMs });
      const { outputJson, streamed } = outcome;
      const { number, hash } = version;
      return { callId: invocation.callId, outputJson, streamed, version: number, hash, durationMs, recorded, replayed: false };
    } catch (thrown) {
      const error = toSeedError(thrown);
      if (request.hash === undefined && metNewerState(error, version)) worker.states.metAbove();
      const durationMs = monotonicMs() - startedMs;
      this.#finish(worker, version, {
        invocation,
        request,
        outcome,
        ownUs,
        error,
        durationMs,
        ...(blamed === undefined ? {} : { blamed }),
      });
      throw error;
    } finally {
      stream.end(worker.agent);
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
      outputJson: string;
      streamed: boolean;
      stateJson: string | undefined;
      durationUs: number;
    },
  ): Promise<void> {
    const { request, invocation, turn, outputJson, streamed, stateJson, durationUs } = call;
    const { idempotencyKey } = request;
    if (turn === null && idempotencyKey === undefined) return;
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
    if (turn !== null) await turn.commit({ stateJson, stateHash: version.hash, stateVersion: version.stateVersion, idempotency });
    else if (idempotency !== null) await this.#options.state.commit({ agent: worker.agent, instance: null, idempotency }, 0);
  }

  /** Counts the call and hands its record on. @returns whether it is kept */
  #finish(
    worker: AgentWorker,
    version: ServedVersion,
    call: {
      invocation: Invocation;
      request: InvokeRequest;
      outcome: CallOutcome | null;
      ownUs: number;
      error: SeedError | null;
      durationMs: number;
      /** Where it is known otherwise than from the outcome. */
      blamed?: Blame;
    },
  ): boolean {
    const { invocation, outcome, error, durationMs, blamed = whoIsToBlame(outcome, error) } = call;
    const nowMs = this.#options.nowMs();
    if (blamed !== null) version.stats.observe({ atMs: nowMs, durationUs: durationMs * 1000, ownUs: call.ownUs, outcome: blamed });
    emit(
      'seed_agent.invocation.end',
      { duration_us: Math.round(durationMs * 1000), cpu_us: Math.round(outcome?.stats.cpuUs ?? 0) },
      {
        agent: worker.agent,
        export: invocation.exportName,
        version: version.label,
        outcome: outcomeWord(outcome, error),
        path: outcome?.path ?? 'none',
      },
    );
    for (const line of outcome?.logs ?? []) {
      this.#options.onLogLine(line, { agent: worker.agent, version: version.number, callId: invocation.callId, key: invocation.key });
    }
    const recorded = worker.sampler.take(nowMs, worker.observed || error !== null);
    if (recorded) this.#options.log.record(callRecord(version, { ...call, principal: call.request.principal }));
    return recorded;
  }
}

/** The answer of an earlier call, given again. @throws SeedError `idempotency_mismatch` */
function repeated(known: IdempotentAnswer, { request, idempotencyKey }: { request: InvokeRequest; idempotencyKey: string }): Invoked {
  checkSameInput(known, inputHashOf(request), idempotencyKey);
  return {
    callId: known.callId,
    outputJson: known.outputJson,
    streamed: known.streamed,
    version: known.version,
    hash: known.hash,
    durationMs: known.durationUs / 1000,
    recorded: false,
    replayed: true,
  };
}

/** Of the input as it came: what a version fills in may be another after a swap, and the call is still the same. */
function inputHashOf({ exportName = 'handle', key = DEFAULT_KEY, input }: InvokeRequest): string {
  return hashInput(exportName, key === DEFAULT_KEY ? null : key, JSON.stringify(input) ?? 'null');
}

/** Another node is ahead: the state was written by a newer version than the one that is live here. */
function metNewerState(error: SeedError, version: ServedVersion): boolean {
  const { reason, stateVersion = 0 } = (error.details ?? {}) as { reason?: unknown; stateVersion?: number };
  return reason === STATE_MIGRATED && stateVersion > version.stateVersion;
}

/** How the call ended, in the words of the metrics. */
function outcomeWord(outcome: CallOutcome | null, error: SeedError | null): Metadata<'seed_agent.invocation.end'>['outcome'] {
  if (outcome === null) return 'refused';
  if (!outcome.ok) return outcome.failure;
  return error === null ? 'ok' : 'refused';
}

function whoIsToBlame(outcome: CallOutcome | null, error: SeedError | null): Blame {
  if (outcome === null) return null;
  // The host was content, but the answer or the state was not what the contract allows.
  if (outcome.ok && error !== null) return error.code === 'agent_error' ? 'error' : null;
  return blame(outcome);
}
