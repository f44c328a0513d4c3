// A state of an older version, met by a call of a newer one: its codeChange runs first, and what it gives is kept together with
// the call. A call that fails keeps nothing, so that the next one begins with the old state again.
import { emit } from '#telemetry/emit.ts';
import type { InstanceTurn } from './instance.ts';
import type { ServedVersion } from './served-version.ts';
import type { ServingHosts } from './serving-hosts.ts';
import { changeState, onServingHosts, type ChangeOutcome } from './state-change.ts';

export interface Ascent {
  version: ServedVersion;
  key: string;
  turn: InstanceTurn;
  hosts: ServingHosts;
  /** false for a version that is not live: it may read what it can read, and changes nothing for the others. */
  mayChange: boolean;
}

/** @returns what kept the call from running, or null */
export async function ascend({ version, key, turn, hosts, mayChange }: Ascent): Promise<Extract<ChangeOutcome, { ok: false }> | null> {
  turn.reads(version.stateVersion);
  if (!mayChange) return null;
  const { stateJson, stateVersion } = await turn.claim();
  if (stateJson === null || stateVersion >= version.stateVersion) return null;
  const changed = await changeState({ version, key, stateJson, change: { from: stateVersion } }, onServingHosts(hosts));
  const about = { agent: version.agent, key };
  const size = { bytes: stateJson.length };
  if (!changed.ok) {
    emit('seed_agent.state.change_failed', size, { ...about, version: version.label, reason: changed.error.message });
    return changed;
  }
  turn.reads(version.stateVersion, changed.stateJson);
  emit('seed_agent.state.changed', size, { ...about, way: 'up', from: String(stateVersion), to: String(version.stateVersion) });
  return null;
}
