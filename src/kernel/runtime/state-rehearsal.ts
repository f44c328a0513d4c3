// Before a version goes live: its codeChange on copies of real states, in a host where it can disturb nobody. What fails here
// never meets a caller.
import { isDeepStrictEqual } from 'node:util';
import { canonicalJson } from '#lib/canonical-json.ts';
import { SeedError } from '#lib/error.ts';
import type { ValidatorHost } from './contract-tests.ts';
import type { ServedVersion } from './served-version.ts';
import { changeState, type ChangeRequest, type RunCall } from './state-change.ts';
import type { StateHistory, StoredState } from './state-history.ts';

/** Of each version of the state that is stored: so many of the newest, and so many of the largest. */
const PER_VERSION = 20;
const MAX_BYTES = 16_777_216;

export interface Rehearsal {
  /** States that were looked at. */
  states: number;
  /** Those of an older version, which codeChange was tried on. */
  changed: number;
  /**
   * Whether a rollback could take them back. exact: down and up again gives the same for every one of them. lossy: not for every one.
   * none: codeChange does not go down. null: nothing was changed.
   */
  down: 'exact' | 'lossy' | 'none' | null;
}

export interface RehearsalOptions {
  version: ServedVersion;
  live: ServedVersion | null;
  history: StateHistory;
  /** Lends the validator host. */
  use: <T>(work: (host: ValidatorHost) => Promise<T>) => Promise<T>;
}

/**
 * @returns null when the version has nothing to do with the versions of states
 * @throws SeedError `validation_failed` with the key and what was wrong; `unavailable`, `database_unavailable`
 */
export async function rehearseStates(options: RehearsalOptions): Promise<Rehearsal | null> {
  const { version, live, history } = options;
  const { agent, stateVersion } = version;
  if (!version.stateful || live === null) return null;
  if (!live.stateful || live.stateVersion > stateVersion) await refuseLower(options);
  if (version.contract.state === undefined && live.contract.state === undefined) return null;
  const states = await history.sample(agent, { upTo: stateVersion, perVersion: PER_VERSION, maxBytes: MAX_BYTES });
  if (canonicalJson(version.contract.state ?? {}) !== canonicalJson(live.contract.state ?? {})) checkThose(states, version);
  const older = states.filter((state) => state.stateVersion < stateVersion);
  const down = older.length === 0 ? null : await options.use((host) => rehearseIn(host, { version, older }));
  return { states: states.length, changed: older.length, down };
}

/** States that are there already are given to nobody: what the version says of its own version must be true of them. */
function checkThose(states: readonly StoredState[], version: ServedVersion): void {
  for (const { key, stateJson, stateVersion } of states) {
    if (stateVersion !== version.stateVersion) continue;
    try {
      version.checkState(stateJson);
    } catch (error) {
      const { message } = error as Error;
      throw new SeedError(
        'validation_failed',
        `the stored state of ${JSON.stringify(key)} is not what ${version.label} expects: ${message}`,
        {
          details: { key, stateVersion },
          hint: 'raise state.version in contract.ts, and let codeChange make of the old states what the schema says',
          cause: error,
        },
      );
    }
  }
}

/** To promote a version that reads an older state is to roll back: the state would be frozen where it can not go down. */
async function refuseLower({ version, history }: RehearsalOptions): Promise<void> {
  const [key] = await history.keysAbove(version.agent, { stateVersion: version.stateVersion, after: null, limit: 1 });
  if (key === undefined) return;
  const there = `states of newer versions, that of ${JSON.stringify(key)} for one`;
  throw new SeedError('validation_failed', `${version.label} reads state version ${version.stateVersion}, and there are ${there}`, {
    details: { key, readVersion: version.stateVersion },
    hint: `to go back to it: seed code:rollback ${version.agent} ${version.label}; else raise state.version in contract.ts`,
  });
}

async function rehearseIn(
  host: ValidatorHost,
  { version, older }: { version: ServedVersion; older: readonly StoredState[] },
): Promise<'exact' | 'lossy' | 'none'> {
  await host.load(version.loadRequest);
  try {
    const run: RunCall = (request) => host.call(request);
    const downs: ('exact' | 'lossy' | 'none')[] = [];
    // One after the other, so that what fails is known to be the state that is named.
    for (const { key, stateJson, stateVersion } of older) {
      const request: ChangeRequest = { version, key, stateJson, change: { from: stateVersion } };
      const [once, again] = [await changeState(request, run), await changeState(request, run)];
      const failed = once.ok ? again : once;
      if (!failed.ok) throw failed.blamed === null ? failed.error : refused(older.length, request, failed.error);
      if (!once.ok || once.stateJson !== failed.stateJson) {
        const error = new SeedError(
          'agent_error',
          `codeChange of ${version.label} made two different states of the one of ${JSON.stringify(key)}`,
        );
        throw refused(older.length, request, error);
      }
      downs.push(await rehearseDown({ ...request, stateJson: once.stateJson }, { stateJson, run }));
    }
    return downs.find((down) => down === 'none') ?? downs.find((down) => down === 'lossy') ?? 'exact';
  } finally {
    await host.unload(version.hash);
  }
}

/** A version need not be able to go down; whether it is, its author is told. */
async function rehearseDown(
  { version, key, stateJson, change }: ChangeRequest,
  before: { stateJson: string; run: RunCall },
): Promise<'exact' | 'lossy' | 'none'> {
  const from = 'from' in change ? change.from : 1;
  // What the older version expects is its own contract's business: here it is known to be the state it wrote.
  const down = await changeState({ version, target: null, key, stateJson, change: { down: from } }, before.run);
  if (!down.ok) return 'none';
  return isDeepStrictEqual(JSON.parse(down.stateJson), JSON.parse(before.stateJson)) ? 'exact' : 'lossy';
}

function refused(count: number, { key, change }: ChangeRequest, error: SeedError): SeedError {
  return new SeedError('validation_failed', `rehearsed on copies of ${count} stored states: ${error.message}`, {
    details: { ...(error.details as object | undefined), key, change },
    hint: 'the version before stays live, and no state was touched: mend codeChange and stage it again',
    cause: error,
  });
}
