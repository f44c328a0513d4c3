// Agents of AGENTS_DIR: what is new in their folders becomes a version and goes live.
import { sourcesKnown, insertAgent } from '#domains/runtime/store.ts';
import { readAgentFolders } from '#domains/runtime/agent-folders.ts';
import { sourcesHash } from '#domains/runtime/artifact-store.ts';
import { toSeedError } from '#lib/error.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { liveHash } from '#kernel/rollout/desired-state.ts';
import type { Parts } from './parts.ts';

/** Folders that are no version yet are built, checked and kept; one that fails is reported and does not stop the others. */
export async function adoptFolders(parts: Parts): Promise<void> {
  const { config, telemetry } = parts.ground;
  const { folders, refused } = await readAgentFolders(config.agents.dir);
  const report = (name: string, thrown: unknown): void => {
    const { code, message, details } = toSeedError(thrown);
    telemetry.log.error({ event: 'agents.folder.refused', agent: name, code, details }, `the folder ${name} was refused: ${message}`);
    parts.ground.screen.note(`agent ${name} was refused: ${message}`);
  };
  for (const { name, error } of refused) report(name, error);
  await Promise.all([...folders].map(([name, sources]) => adopt(name, sources, parts).catch((error: unknown) => report(name, error))));
}

async function adopt(name: string, sources: SourceFiles, parts: Parts): Promise<void> {
  const database = parts.get('database');
  const stager = parts.get('stager');
  const agents = parts.get('agents');
  if (await sourcesKnown(database, name, sourcesHash(sources))) return;
  const built = await stager.build({ sources, agent: name });
  await stager.check(built);
  const principal = { kind: 'node', id: parts.ground.info.id };
  const isNew = await insertAgent(database, { name, type: 'worker', summary: built.contract.summary, source: 'folder', owner: principal });
  if (isNew) await agents.start(name);
  const row = agents.worker(name) === null ? null : agents.rollout(name).row;
  const parent = row === null ? null : liveHash(row);
  const note = isNew ? 'from its folder' : 'its folder was changed';
  const { artifact } = await stager.keep(built, { agent: name, parent, proposer: 'manual', note, reports: {}, principal });
  // A stopped agent keeps the version for later.
  if (agents.worker(name) !== null) await agents.rollout(name).promote({ hash: artifact.hash, principal, reason: note });
}
