// Handler of code:diff: what is different between the sources of two versions.
import { SeedError } from '#lib/error.ts';
import type { OperationContext } from '#operation/operation.ts';
import type { NodePorts } from '../ports.ts';
import { diffSources } from './source-diff.ts';
import { resolve } from './version.ts';

type Context = OperationContext<NodePorts>;

export async function diff(input: { agent: string; from?: string; to: string }, context: Context) {
  const { ports } = context;
  const { agent } = input;
  await ports.agents.get(agent);
  const to = await resolve(agent, input.to, context);
  const after = (await ports.codeStore.load(agent, to.hash)).artifact;
  const from = input.from === undefined ? await parentOf(agent, after.manifest.parent, context) : await resolve(agent, input.from, context);
  const before = from === null ? {} : (await ports.codeStore.load(agent, from.hash)).artifact.sources;
  const files = diffSources(before, after.sources);
  return {
    agent,
    from: from === null ? null : { version: from.number, hash: from.hash },
    to: { version: to.number, hash: to.hash },
    added: files.reduce((sum, file) => sum + file.added, 0),
    removed: files.reduce((sum, file) => sum + file.removed, 0),
    files: files.map(({ patch: _patch, ...file }) => file),
    patch: files.map(({ patch }) => patch).join(''),
  };
}

/** Null: it was made from nothing. @throws SeedError `not_found` when the store has forgotten it */
async function parentOf(agent: string, parent: string | null, context: Context) {
  if (parent === null) return null;
  try {
    return await resolve(agent, parent, context);
  } catch (cause) {
    throw new SeedError('not_found', `the version it was made from, ${parent.slice(0, 12)}, is not in the store any more`, {
      cause,
      hint: `seed code:diff ${agent} --from … names another one; seed code:list ${agent} shows what there is`,
    });
  }
}
