// From a call to a parked one, and from a parked one to what its caller is told.
import { SeedError, type ErrorCode } from '#lib/error.ts';
import type { Journal } from '../sandbox/journal.ts';
import type { Invocation } from './invocation.ts';
import type { Parked, ParkedCall, ParkedCalls, ParkedError } from './parked-call.ts';
import type { ServedVersion } from './served-version.ts';

export function parkedCall(version: ServedVersion, invocation: Invocation, journal: Journal): ParkedCall {
  const { callId: id, key, exportName, inputJson, principal } = invocation;
  return { id, agent: version.agent, key, exportName, version: version.number, hash: version.hash, inputJson, journal, principal };
}

/** What is to be said to whoever asks for the answer of a call that was parked. @throws SeedError with the call's own error when it has failed */
export async function parkedSituation(calls: ParkedCalls, agent: string, callId: string): Promise<Parked> {
  const status = await calls.status(agent, callId);
  if (status === null) throw new SeedError('not_found', `the call ${callId} of ${agent} is not kept any more`);
  if (status.error !== null) throw seedErrorOf(status.error);
  const { version, hash, open } = status;
  return { state: 'parked', callId, version, hash, open };
}

/** The error with which a call has ended, as it was written down. */
export function seedErrorOf({ code, message, ...details }: ParkedError): SeedError {
  return new SeedError(code as ErrorCode, message, { details });
}
