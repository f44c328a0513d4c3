// Goes on with a parked call: through its journal, with the answers that have come, and on until it ends or waits again.
import { SeedError, toSeedError } from '#lib/error.ts';
import type { CallOutcome } from '../sandbox/call.ts';
import type { Broker } from './capabilities/broker.ts';
import { collectingStream, type CallStream } from './call-stream.ts';
import { CallWaits } from './capabilities/waits.ts';
import { STATE_MIGRATED, type InstanceTurn } from './instance.ts';
import { failureError, OWN_FAILURES, run, type Invocation, type Ran } from './invocation.ts';
import type { ParkedCalls, ParkedEnd, ParkingCommit, ResumedCall } from './parked-call.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingHosts } from './serving-hosts.ts';
import type { StateStore } from './state-store.ts';

export interface ResumptionOptions {
  hosts: ServingHosts;
  broker: Broker;
  state: StateStore;
  parked: ParkedCalls;
  /** null: stateless. */
  turn: InstanceTurn | null;
  signal: AbortSignal;
  /** The run before did not end with its host. */
  isFirstTry: boolean;
}

export interface Resumed {
  outcome: CallOutcome | null;
  ownUs: number;
  /** null: parked again. */
  end: ParkedEnd | null;
}

export function invocationOf({ id, agent, exportName, inputJson, key, journal, principal }: ResumedCall, signal: AbortSignal): Invocation {
  const from = { chain: [{ callId: id, agent, key }], deadlineAtMs: null };
  return { callId: id, exportName, inputJson, key, timeMs: journal.time, seed: journal.seed, principal, ...from, signal: () => signal };
}

/**
 * Runs it and commits what came of it.
 * @throws SeedError what is no end of the call and may be tried again: `unavailable`, `queue_full`, `database_unavailable`, `cancelled`;
 *   `conflict` when another has taken it, or it was cancelled: nothing was written
 */
export async function goOn(call: ResumedCall, version: ServedVersion, options: ResumptionOptions): Promise<Resumed> {
  const { hosts, broker, parked, turn, signal } = options;
  const { id, fence, journal, answers } = call;
  const migrated = turn === null ? null : await migratedSince(call, version, turn);
  if (migrated !== null) return { outcome: null, ownUs: 0, end: await ended(call, { error: migrated, divergence: null }, options) };
  let marked: Promise<void> | null = null;
  const beforeEffect = (): Promise<void> => (marked ??= parked.beginEffect(id, fence));
  const { exportName } = call;
  const stream = collectingStream(id, { checks: version.checks(exportName), contract: version.contract, exportName });
  let ran: Ran;
  try {
    const waits = new CallWaits({ answers, mayPark: true });
    ran = await run(invocationOf(call, signal), version, { hosts, broker, turn, stream, waits, journal, beforeEffect });
  } catch (error) {
    const seedError = toSeedError(error);
    if (!OWN_FAILURES.has(seedError.code)) throw error;
    return { outcome: null, ownUs: 0, end: await ended(call, { error: seedError, divergence: null }, options) };
  }
  const { outcome, divergence, stateJson, ownUs } = ran;
  const write = { stateJson, stateHash: version.hash, stateVersion: version.stateVersion };
  if (divergence !== null) {
    const made = outcome.ok ? 'it ended before its record does' : outcome.error.message;
    const error = new SeedError('agent_error', `the call can not go on, because it did not do again what its journal says: ${made}`);
    return { outcome, ownUs, end: await ended(call, { error, divergence }, options) };
  }
  const wrong = outcome.ok || outcome.failure === 'parked' ? problemOf(version, { outcome, stateJson, stream }) : null;
  if (wrong !== null) return { outcome, ownUs, end: await ended(call, { error: wrong, divergence: null }, options) };
  if (!outcome.ok && outcome.failure === 'parked') {
    const again = { kind: 'park' as const, fence, call: { ...call, journal: outcome.journal } };
    await keep(call, { ...write, parking: again }, options);
    return { outcome, ownUs, end: null };
  }
  if (!outcome.ok) {
    // Everything it did until now can be done again, so one host that ends under it may have been killed by something else.
    const lostOnce = outcome.failure === 'host_lost' && !outcome.hadRequests && options.isFirstTry;
    if (lostOnce) throw new SeedError('unavailable', `the call lost its sandbox host: ${outcome.error.message}`);
    const error = ran.error ?? failureError(outcome, version.mapStack(outcome.error.stack));
    // Cut off with an effect behind it: nobody knows whether it was made, so it is not made again.
    const cutOff = outcome.failure === 'host_lost' && outcome.hadRequests;
    if (!cutOff && !OWN_FAILURES.has(error.code)) throw error;
    return { outcome, ownUs, end: await ended(call, { error, divergence: null }, options) };
  }
  const end: ParkedEnd = { ok: true, outputJson: outcome.outputJson };
  await keep(call, { ...write, parking: { kind: 'end', id, fence, end } }, options);
  return { outcome, ownUs, end };
}

/** Another version has changed the state while it waited: what the call has read is of another kind than what is there. */
async function migratedSince({ key, agent }: ResumedCall, version: ServedVersion, turn: InstanceTurn): Promise<SeedError | null> {
  turn.reads(version.stateVersion);
  const { stateJson, stateVersion } = await turn.claim();
  if (stateJson === null || stateVersion === version.stateVersion) return null;
  const message = `while the call was parked the state of ${agent} ${JSON.stringify(key)} was changed to version ${stateVersion}; ${version.label} reads ${version.stateVersion}`;
  return new SeedError('conflict', message, { details: { reason: STATE_MIGRATED } });
}

/** What its contract does not allow of the answer or the state. */
function problemOf(
  version: ServedVersion,
  { outcome, stateJson, stream }: { outcome: CallOutcome; stateJson: string | undefined; stream: CallStream },
): SeedError | null {
  try {
    if (outcome.ok && !outcome.streamed) stream.checkPlain(outcome.outputJson);
    if (stateJson !== undefined) version.checkState(stateJson);
    return null;
  } catch (error) {
    return toSeedError(error);
  }
}

/** What it has set since it was parked last is forgotten, as of any call that fails. */
async function ended(
  call: ResumedCall,
  { error, divergence }: { error: SeedError } & Pick<Extract<ParkedEnd, { ok: false }>, 'divergence'>,
  options: ResumptionOptions,
): Promise<ParkedEnd> {
  const { code, message, details } = error;
  const { stack, reason } = (details ?? {}) as { stack?: string; reason?: string };
  const known = { ...(stack === undefined ? {} : { stack }), ...(reason === undefined ? {} : { reason }) };
  const end: ParkedEnd = { ok: false, error: { code, message, ...known }, divergence };
  const parking: ParkingCommit = { kind: 'end', id: call.id, fence: call.fence, end };
  await options.state.commit({ agent: call.agent, instance: null, idempotency: null, parking }, 0);
  return end;
}

async function keep(
  call: ResumedCall,
  write: { stateJson: string | undefined; stateHash: string; stateVersion: number; parking: ParkingCommit },
  { turn, state }: ResumptionOptions,
): Promise<void> {
  if (turn !== null) await turn.commit({ ...write, idempotency: null });
  else await state.commit({ agent: call.agent, instance: null, idempotency: null, parking: write.parking }, 0);
}
