// One state through a version's codeChange: run under the contract's limits in a sandbox host, and what it gives checked.
// Nothing is kept here: the same state always becomes the same, so that whoever could not keep it may run it again.
import { SeedError, toSeedError } from '#lib/error.ts';
import { uuidv7 } from '#lib/id.ts';
import { CODE_CHANGE_CALL, type CallOutcome, type CallRequest } from '../sandbox/call.ts';
import { blame, failureError, mayRunAgain, RETRY_MS, type Blame } from './invocation.ts';
import type { ServedVersion } from './served-version.ts';
import type { HostAnswer, ServingHosts } from './serving-hosts.ts';

/** from: up, from the version of the state that is there. down: to the older version of the state that is wanted again. */
export type StateChange = { from: number } | { down: number };

export type ChangeOutcome =
  | { ok: true; stateJson: string }
  /** `blamed`: whether it is the code's doing, and counts against its version. */
  | { ok: false; blamed: Blame; error: SeedError };

export interface ChangeRequest {
  /** Whose codeChange is run. */
  version: ServedVersion;
  /** Whose contract the result must fit; default `version`; null: it need not. */
  target?: ServedVersion | null;
  key: string;
  stateJson: string;
  change: StateChange;
}

/** Runs one call in some host. */
export type RunCall = (request: CallRequest) => Promise<CallOutcome>;

export async function changeState(request: ChangeRequest, run: RunCall): Promise<ChangeOutcome> {
  const { version, target = version, key, stateJson, change } = request;
  const outcome = await run({
    id: uuidv7(),
    hash: version.hash,
    exportName: CODE_CHANGE_CALL,
    inputJson: `[${stateJson},${JSON.stringify(change)}]`,
    key,
    timeMs: 0,
    seed: 0,
    path: 'async',
    principalJson: 'null',
    onRequest: (name) => Promise.reject(new SeedError('forbidden', `codeChange has no ctx, and asked for ${name}`)),
  });
  if (!outcome.ok) {
    const error = failureError(outcome, version.mapStack(outcome.error.stack));
    return { ok: false, blamed: blame(outcome), error: explained(request, error) };
  }
  try {
    target?.checkState(outcome.outputJson);
    return { ok: true, stateJson: outcome.outputJson };
  } catch (error) {
    return { ok: false, blamed: 'error', error: explained(request, toSeedError(error)) };
  }
}

/** On the hosts that serve calls: again on another one when its host was lost through no fault of its own. */
export function onServingHosts(hosts: ServingHosts): RunCall {
  return async (request) => {
    let avoid: string | undefined;
    let alone = false;
    for (let firstLostMs = Number.POSITIVE_INFINITY; ;) {
      const answer: HostAnswer = await (alone ? hosts.callAlone(request) : hosts.call(request, avoid));
      const { outcome } = answer;
      if (outcome.ok || !mayRunAgain(outcome) || performance.now() - firstLostMs > RETRY_MS) return outcome;
      firstLostMs = Math.min(firstLostMs, performance.now());
      avoid = answer.hostId;
      alone = outcome.suspects > 1;
    }
  };
}

function explained({ version, key, change }: ChangeRequest, error: SeedError): SeedError {
  const way =
    'from' in change
      ? `from version ${change.from} to ${version.stateVersion}`
      : `from version ${version.stateVersion} down to ${change.down}`;
  return new SeedError(
    error.code,
    `codeChange of ${version.label} failed on the state of ${JSON.stringify(key)}, ${way}: ${error.message}`,
    {
      details: { ...(typeof error.details === 'object' ? error.details : {}), key, change },
      hint: 'the state is as it was before; seed code:rollback makes the version before live again',
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      cause: error,
    },
  );
}
