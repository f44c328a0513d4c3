// What improvements of an agent have made in vain, as something to begin from: the archive beyond one improvement.
import type { Database } from '#db/database.ts';
import { candidateId } from '#improvement/archive/candidate-id.ts';
import type { BaseVersion } from '#improvement/base-version.ts';
import type { ChangedFiles } from '#improvement/events.ts';
import type { MadeBefore } from '#improvement/proposer.ts';
import { isProtectedPath, type SourceFiles } from '#kernel/compiler/artifact.ts';
import { triedImprovements, type TriedImprovement } from './candidate-store.ts';

/** The newest that are looked at. */
const IMPROVEMENTS = 20;

export interface EarlierOptions {
  database: Database;
  agent: string;
  /** The version to better: what is told are the files that differ from its own. */
  base: BaseVersion;
  /** The improvement that asks. */
  except: string;
  /** @throws SeedError when a version can not be read any more: what was made from it is left out */
  load: (hash: string) => Promise<BaseVersion>;
}

/** The oldest first; each set of files once. */
export async function earlierCandidates({ database, agent, base, except, load }: EarlierOptions): Promise<MadeBefore[]> {
  const tried = await triedImprovements(database, agent, { limit: IMPROVEMENTS, files: true });
  const found = new Map<string, MadeBefore>();
  for (const { id, state } of tried) {
    if (id === except || state.queued === null) continue;
    const made = madeIn(id, state);
    if (made.length === 0) continue;
    const sources = await load(state.queued.baseHash).then(
      (version) => version.sources,
      () => null,
    );
    if (sources === null) continue;
    for (const { files, ...one } of made) {
      const changed = difference({ ...sources, ...files }, base.sources);
      // What is live already, or only differs in what no candidate may touch.
      if (Object.keys(changed).length > 0) found.set(JSON.stringify(changed), { ...one, files: changed });
    }
  }
  return [...found.values()];
}

/** But not what a person or its own calls have taken back: that is no place to begin from. */
function madeIn(improvement: string, { attempts, candidates, winner, phase }: TriedImprovement['state']): MadeBefore[] {
  const isTakenBack = phase === 'rejected' || phase === 'rolled_back';
  const left = (candidates ?? []).filter((_, index) => !isTakenBack || index !== winner?.index);
  return [...attempts, ...left].flatMap(({ files = {}, id = candidateId(improvement, files), parent = null }) =>
    Object.keys(files).length === 0 ? [] : [{ id, parent, files }],
  );
}

function difference(sources: SourceFiles, base: SourceFiles): ChangedFiles {
  return Object.fromEntries(Object.entries(sources).filter(([path, text]) => !isProtectedPath(path) && base[path] !== text));
}
