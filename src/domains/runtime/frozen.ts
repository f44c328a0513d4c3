// Instances that a rollback left on the version that wrote their state: shown to whoever asks, and decided about.
import { SeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';
import { stateHistory } from './state-history-store.ts';
import { listVersions } from './store.ts';

const SHOWN = 100;

/** Those of one agent with the versions that answer them; at most 100 are named, `frozenKeys` counts all. */
export async function frozenOf(agent: string, ports: NodePorts) {
  const all = await stateHistory(ports.database).frozen(agent);
  const versions = all.length === 0 ? [] : await listVersions(ports.database, agent);
  const numbers = new Map(versions.map(({ hash, number }) => [hash, number]));
  return {
    frozenKeys: all.length,
    frozen: all.slice(0, SHOWN).map(({ key, hash, stateVersion, reason, at, kept }) => ({
      key,
      version: numbers.get(hash) ?? null,
      stateVersion,
      reason,
      since: at.toISOString(),
      kept,
    })),
  };
}

/** @returns the keys that were decided about, or with `dryRun` would be */
export async function decide(
  input: { agent: string; decision: 'discard' | 'keep'; key?: string },
  { ports, dryRun }: OperationContext<NodePorts>,
): Promise<string[]> {
  const { agent, decision, key } = input;
  const { worker } = ports.agents.running(agent);
  const frozen = (await stateHistory(ports.database).frozen(agent)).map((one) => one.key);
  if (key !== undefined && !frozen.includes(key)) {
    throw new SeedError('not_found', `the instance ${JSON.stringify(key)} of ${agent} is not frozen`, {
      hint: `see: seed agents:status ${agent}`,
    });
  }
  const keys = key === undefined ? frozen : [key];
  if (!dryRun) for (const one of keys) await worker.states.decide(one, decision);
  return keys;
}
