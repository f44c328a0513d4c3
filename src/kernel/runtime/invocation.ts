// One call, from checked input to committed output: which host, which retries, what its capabilities see.
import { SeedError, type ErrorCode } from '#lib/error.ts';
import { sha256 } from '#lib/canonical-json.ts';
import { REQUESTS_WITHOUT_EFFECT, type CallFailure, type CallOutcome, type CallRequest, type Divergence } from '../sandbox/call.ts';
import type { Journal } from '../sandbox/journal.ts';
import type { Broker } from './capabilities/broker.ts';
import type { Capability } from './capabilities/capability.ts';
import { CallState } from './capabilities/state.ts';
import type { CallStream } from './call-stream.ts';
import type { CallWaits } from './capabilities/waits.ts';
import type { ChainLink } from './instance-waits.ts';
import type { InstanceTurn } from './instance.ts';
import type { ServedVersion } from './served-version.ts';
import type { HostAnswer, ServingHosts } from './serving-hosts.ts';
import type { IdempotentAnswer } from './state-store.ts';

/** A call that loses its hosts by others' fault is run again for so long after the first time. */
export const RETRY_MS = 10_000;
const LONGEST_PAUSE_MS = 50;

const FAILURE_CODES: Readonly<Record<CallFailure, ErrorCode>> = {
  threw: 'agent_error',
  unserialisable: 'agent_error',
  output_limit: 'agent_error',
  cpu_limit: 'cpu_limit',
  deadline: 'deadline',
  memory_limit: 'memory_limit',
  cancelled: 'cancelled',
  host_lost: 'unavailable',
  parked: 'invalid_state',
};

/** Codes with which a call ends by its version's own doing. */
export const OWN_FAILURES: ReadonlySet<string> = new Set<ErrorCode>(['agent_error', 'cpu_limit', 'memory_limit', 'deadline']);

/** What the analysis of a rollout counts a call as; null: not the version's doing. */
export type Blame = 'ok' | 'error' | 'limit' | null;

export interface Invocation {
  callId: string;
  exportName: string;
  inputJson: string;
  key: string | null;
  timeMs: number;
  seed: number;
  principal: { kind: string; id: string };
  /** The calls that led here, this one last. */
  chain: readonly ChainLink[];
  /** Monotonic ms at which a calling agent stops waiting; null: nobody said. */
  deadlineAtMs: number | null;
  /** Asked for on the asynchronous path only: a synchronous call is over before anybody could go away. */
  signal?: () => AbortSignal;
}

export interface Ran {
  outcome: CallOutcome;
  /** What was wrong with it in our own words, where its host has no better ones. */
  error: SeedError | null;
  /** Where a call that goes on from its journal left it. */
  divergence: Divergence | null;
  /** Set by the call, not committed yet. */
  stateJson: string | undefined;
  /** Inside the isolate, and waiting for what the call asked for. */
  ownUs: number;
}

/** Runs the call in a host; again on another when it lost its host and was not the cause. */
export async function run(
  invocation: Invocation,
  version: ServedVersion,
  options: {
    hosts: ServingHosts;
    broker: Broker;
    turn: InstanceTurn | null;
    stream: CallStream;
    /** Of a version that may park. */
    waits: CallWaits | null;
    /** It goes on from here. */
    journal?: Journal;
    /** Called before a capability that has effects is asked. */
    beforeEffect?: () => Promise<void>;
  },
): Promise<Ran> {
  const { hosts, broker, turn, stream, waits, journal, beforeEffect } = options;
  let avoid: string | undefined;
  let alone = false;
  let firstLostMs = Number.POSITIVE_INFINITY;
  for (let attempt = 0; ; attempt += 1) {
    // Of many calls of one version that end their hosts, those that wait are not tried one by one.
    if (attempt > 0) version.checkRest();
    if (attempt > 1) await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_PAUSE_MS, 2 ** attempt)));
    const state = turn === null ? null : new CallState(turn);
    const { callId: id, exportName, key, principal, chain, deadlineAtMs } = invocation;
    const own: Capability[] = [...(state === null ? [] : [state]), ...(waits === null ? [] : [waits])];
    const capabilities = broker.open({ id, version, exportName, key, principal, chain, deadlineAtMs }, own);
    // A call that was near a crash is run where its host can say what it was doing.
    // One that may wait for others must be able to end early.
    const mayWait = waits !== null || version.contract.grants !== undefined;
    const path = attempt === 0 && !mayWait ? version.path.path : 'async';
    const serve: CallRequest['onRequest'] = (name, args, seq) => capabilities.serve(name, args, seq);
    const request: CallRequest = {
      id,
      hash: version.hash,
      exportName,
      inputJson: invocation.inputJson,
      key,
      timeMs: invocation.timeMs,
      seed: invocation.seed,
      path,
      principalJson: JSON.stringify(principal),
      stream,
      onRequest:
        beforeEffect === undefined
          ? serve
          : async (name, args, seq) => {
              if (!REQUESTS_WITHOUT_EFFECT.has(name)) await beforeEffect();
              return serve(name, args, seq);
            },
      ...(waits === null ? {} : { parks: waits.parks }),
      ...(path === 'sync' || invocation.signal === undefined ? {} : { signal: invocation.signal() }),
    };
    const asked = journal === undefined ? request : { ...request, journal };
    const answer: HostAnswer = await (alone ? hosts.callAlone(asked) : hosts.call(asked, avoid)).finally(() => capabilities.close());
    const { outcome, divergence } = answer;
    version.path.observe({ insideUs: outcome.stats.cpuUs, asked: path, taken: outcome.path });
    if ((outcome.ok || outcome.failure === 'parked') && state?.sizeError !== undefined) throw state.sizeError;
    // The agent failed because its state could not be read: not its doing, and not to be counted against its version.
    if (!outcome.ok && state?.storeError !== undefined) throw state.storeError;
    if (outcome.ok && outcome.streamed) outcome.outputJson = stream.outputJson ?? '';
    // Chunks that somebody has read can not be taken back.
    if (outcome.ok || !mayRunAgain(outcome) || stream.chunks > 0 || performance.now() - firstLostMs > RETRY_MS) {
      const error = outcome.ok || outcome.failure !== 'threw' ? null : stream.error;
      return { outcome, error, divergence, stateJson: state?.json, ownUs: outcome.stats.cpuUs + capabilities.waitedMs * 1000 };
    }
    firstLostMs = Math.min(firstLostMs, performance.now());
    avoid = answer.hostId;
    alone = outcome.suspects > 1;
  }
}

/** It lost its host by another's fault, and nothing it did has left the node. */
export function mayRunAgain(outcome: Extract<CallOutcome, { ok: false }>): boolean {
  return outcome.failure === 'host_lost' && !outcome.suspect && !outcome.hadRequests;
}

/** Who is to blame for how the call went. */
export function blame(outcome: CallOutcome): Blame {
  if (outcome.ok) return 'ok';
  switch (outcome.failure) {
    case 'cpu_limit':
    case 'deadline':
    case 'memory_limit':
      return 'limit';
    case 'cancelled':
    case 'parked':
      return null;
    case 'host_lost':
      return outcome.suspect ? 'limit' : null;
    default:
      return 'error';
  }
}

/** @param stack the stack, already led back to the author's sources. */
export function failureError(outcome: Extract<CallOutcome, { ok: false }>, stack: string | undefined): SeedError {
  const code = outcome.failure === 'host_lost' && outcome.suspect ? 'agent_error' : FAILURE_CODES[outcome.failure];
  const message = outcome.failure === 'threw' ? `${outcome.error.name}: ${outcome.error.message}` : outcome.error.message;
  if (code === 'unavailable' && outcome.hadRequests) {
    return new SeedError(code, `${message}, because of another call; this one had had effects already and was not run again`, {
      details: { failure: outcome.failure, had_effects: true },
      hint: 'look at what it has done before calling again',
    });
  }
  return new SeedError(code, message, {
    details: { failure: outcome.failure, ...(stack === undefined ? {} : { stack }) },
    ...(code === 'unavailable' ? { retryAfterMs: 1_000 } : {}),
  });
}

/** What an idempotency key is compared by: the same key with another input is refused. */
export function hashInput(exportName: string, key: string | null, inputJson: string): string {
  return sha256(`${exportName}\n${key ?? ''}\n${inputJson}`);
}

/** @throws SeedError `idempotency_mismatch` */
export function checkSameInput(answer: IdempotentAnswer, inputHash: string, idempotencyKey: string): void {
  if (answer.inputHash === inputHash) return;
  throw new SeedError('idempotency_mismatch', `the idempotency key ${JSON.stringify(idempotencyKey)} was used with another input`, {
    hint: 'send a new key with a new input',
  });
}
