// One call, from checked input to committed output: which host, which retries, what its capabilities see.
import { SeedError, toSeedError, type ErrorCode } from '#lib/error.ts';
import { sha256 } from '#lib/canonical-json.ts';
import { emit } from '#telemetry/emit.ts';
import type { CallFailure, CallOutcome, CallRequest } from '../sandbox/call.ts';
import type { InstanceTurn } from './instance.ts';
import type { ServedVersion } from './served-version.ts';
import type { HostAnswer, ServingHosts } from './serving-hosts.ts';
import type { IdempotentAnswer } from './state-store.ts';

/** A call that lost its host by another's fault is run again this often. */
const MAX_RETRIES = 3;

const FAILURE_CODES: Readonly<Record<CallFailure, ErrorCode>> = {
  threw: 'agent_error',
  unserialisable: 'agent_error',
  output_limit: 'agent_error',
  cpu_limit: 'cpu_limit',
  deadline: 'deadline',
  memory_limit: 'memory_limit',
  cancelled: 'cancelled',
  host_lost: 'unavailable',
};

/** What the analysis of a rollout counts a call as; null: not the version's doing. */
export type Blame = 'ok' | 'error' | 'limit' | null;

export interface Invocation {
  callId: string;
  exportName: string;
  inputJson: string;
  key: string | null;
  timeMs: number;
  seed: number;
  principalJson: string;
  /** Asked for on the asynchronous path only: a synchronous call is over before anybody could go away. */
  signal?: () => AbortSignal;
}

export interface Ran {
  outcome: CallOutcome;
  /** Set by the call, not committed yet. */
  stateJson: string | undefined;
  /** Inside the isolate, and waiting for what the call asked for. */
  ownUs: number;
}

/** Runs the call in a host; again on another when it lost its host and was not the cause. */
export async function run(
  invocation: Invocation,
  version: ServedVersion,
  options: { hosts: ServingHosts; turn: InstanceTurn | null },
): Promise<Ran> {
  const { hosts, turn } = options;
  let avoid: string | undefined;
  let alone = false;
  for (let attempt = 0; ; attempt += 1) {
    let stateJson: string | undefined;
    let stateError: SeedError | undefined;
    let waitedMs = 0;
    const waited = (ms: number): void => void (waitedMs += ms);
    let storeError: SeedError | undefined;
    // A call that was near a crash is run where its host can say what it was doing.
    const path = attempt === 0 ? version.path.path : 'async';
    const request: CallRequest = {
      id: invocation.callId,
      hash: version.hash,
      exportName: invocation.exportName,
      inputJson: invocation.inputJson,
      key: invocation.key,
      timeMs: invocation.timeMs,
      seed: invocation.seed,
      path,
      principalJson: invocation.principalJson,
      onRequest: (name, args) => {
        if (turn !== null && name === 'state.set') {
          stateJson = JSON.stringify(args);
          stateError = stateTooLarge(stateJson, version.contract.limits.stateBytes);
          return served(Promise.resolve('null'), { version, capability: name, waited });
        }
        if (turn !== null && name === 'state.get')
          return served(
            turn.stateJson().then(
              (json) => json ?? 'null',
              (error: unknown) => {
                storeError = toSeedError(error);
                throw storeError;
              },
            ),
            { version, capability: name, waited },
          );
        emit('seed_agent.capability.request', { duration_us: 0 }, { agent: version.agent, capability: name, outcome: 'refused' });
        return Promise.reject(new SeedError('forbidden', `the capability ${name} is not granted`));
      },
      ...(path === 'sync' || invocation.signal === undefined ? {} : { signal: invocation.signal() }),
    };
    const call = (): Promise<HostAnswer> => hosts.call(request, avoid);
    const answer: HostAnswer = await (alone ? hosts.alone(call) : call());
    const { outcome } = answer;
    version.path.observe({ insideUs: outcome.stats.cpuUs, asked: path, taken: outcome.path });
    if (outcome.ok && stateError !== undefined) throw stateError;
    // The agent failed because its state could not be read: not its doing, and not to be counted against its version.
    if (!outcome.ok && storeError !== undefined) throw storeError;
    if (outcome.ok || outcome.failure !== 'host_lost' || outcome.suspect || attempt === MAX_RETRIES) {
      return { outcome, stateJson, ownUs: outcome.stats.cpuUs + waitedMs * 1000 };
    }
    avoid = answer.hostId;
    alone = outcome.suspects > 1;
  }
}

/** Tells how a capability was served and how long that took, and leaves the answer as it is. */
function served(
  answer: Promise<string>,
  { version, capability, waited }: { version: ServedVersion; capability: string; waited: (ms: number) => void },
): Promise<string> {
  const startedMs = performance.now();
  const told = (outcome: 'ok' | 'error'): void => {
    const ms = performance.now() - startedMs;
    waited(ms);
    emit('seed_agent.capability.request', { duration_us: Math.round(ms * 1000) }, { agent: version.agent, capability, outcome });
  };
  answer.then(
    () => told('ok'),
    () => told('error'),
  );
  return answer;
}

function stateTooLarge(json: string, limitBytes: number): SeedError | undefined {
  const sizeBytes = Buffer.byteLength(json);
  if (sizeBytes <= limitBytes) return undefined;
  return new SeedError('agent_error', `the state has ${sizeBytes} bytes, its contract allows ${limitBytes}`);
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
