// Agents of AGENTS_DIR: what is new in their folders becomes a version and goes live.
import { setTimeout } from 'node:timers/promises';
import { sourcesKnown, insertAgent } from '#domains/runtime/store.ts';
import { readAgentFolders } from '#domains/runtime/agent-folders.ts';
import { sourcesHash } from '#domains/runtime/artifact-store.ts';
import { toSeedError, type ErrorCode } from '#lib/error.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';
import { liveHash } from '#kernel/rollout/desired-state.ts';
import type { Parts } from './parts.ts';

/** Found in the sources themselves. Anything else was found out by running them, and may have been the machine's doing. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['invalid_input', 'payload_too_large', 'compile_failed', 'policy_refused']);
const PAUSES_MS = [500, 2000];

/** Folders that are no version yet are built, checked and kept; one that fails is reported and does not stop the others. */
export async function adoptFolders(parts: Parts): Promise<void> {
  const { config } = parts.ground;
  const { folders, refused } = await readAgentFolders(config.agents.dir);
  for (const { name, error } of refused) refuse(parts, name, error);
  await Promise.all([...folders].map(([name, sources]) => adoptInTime(name, sources, parts)));
}

/** On a busy machine an example can miss its deadline, and an agent that is missing until the next start would be too much for that. */
async function adoptInTime(name: string, sources: SourceFiles, parts: Parts): Promise<void> {
  for (const pauseMs of [...PAUSES_MS, null]) {
    try {
      return await adopt(name, sources, parts);
    } catch (thrown) {
      const { code, message } = toSeedError(thrown);
      if (pauseMs === null || FINAL.has(code)) return refuse(parts, name, thrown);
      parts.ground.telemetry.log.warn(
        { event: 'agents.folder.retried', agent: name, code },
        `the folder ${name} is tried again: ${message}`,
      );
      await setTimeout(pauseMs);
    }
  }
}

function refuse({ ground: { telemetry, screen } }: Parts, name: string, thrown: unknown): void {
  const { code, message, details } = toSeedError(thrown);
  telemetry.log.error({ event: 'agents.folder.refused', agent: name, code, details }, `the folder ${name} was refused: ${message}`);
  screen.note(`agent ${name} was refused: ${message}`);
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
