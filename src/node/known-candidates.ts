// What belongs into the lineage, from the code store and the improvements: its repository is made again from this when it is damaged.
import type { Database } from '#db/database.ts';
import { triedImprovements, type TriedImprovement } from '#domains/evolution/candidate-store.ts';
import { listVersions, type VersionRow } from '#domains/runtime/store.ts';
import type { CandidateRecord } from '#improvement/lineage/candidate-commit.ts';
import { candidateBranch, candidateRecord, handMadeRecord, liveBranch } from '#improvement/lineage/candidate-record.ts';
import type { KnownCandidate } from '#improvement/lineage/candidate-writer.ts';
import { hasEnded } from '#improvement/improvement.ts';
import type { LoggedCandidate } from '#improvement/candidate-log.ts';
import type { SourceFiles } from '#kernel/compiler/artifact.ts';

/** Newest improvements of an agent whose candidates are looked for; versions of older ones are written down without their scores. */
const IMPROVEMENTS = 200;

export interface KnownOptions {
  database: Database;
  agents: () => readonly string[];
  /** @throws SeedError when they can not be read any more */
  sourcesOf: (agent: string, hash: string) => Promise<SourceFiles>;
  /** Told what is left out, and why. */
  onError: (error: unknown) => void;
}

/** Parents before their children. What the store can not read any more is left out. */
export async function* knownCandidates({ database, agents, sourcesOf, onError }: KnownOptions): AsyncGenerator<KnownCandidate> {
  const recordWith = async (agent: string, hash: string, record: (sources: SourceFiles) => CandidateRecord) => {
    try {
      return record(await sourcesOf(agent, hash));
    } catch (error) {
      onError(error);
      return null;
    }
  };
  for (const agent of agents()) {
    const tried = await triedImprovements(database, agent, { limit: IMPROVEMENTS, files: true });
    const versions = await listVersions(database, agent);
    const numbers = new Map(versions.map(({ hash, number }) => [hash, number]));
    const logged = tried.flatMap((improvement) => loggedOf(improvement));
    const makers = new Map(logged.flatMap((one) => (one.staged === null ? [] : [[one.staged.hash, one] as const])));
    for (const version of versions) {
      const maker = makers.get(version.hash);
      yield {
        branch: liveBranch(agent),
        hash: version.hash,
        load: () => recordWith(agent, version.hash, (sources) => recordOf(version, sources, maker)),
      };
    }
    for (const candidate of logged) {
      const { hash } = candidate.base;
      if (candidate.staged !== null || !numbers.has(hash)) continue;
      yield {
        branch: candidateBranch(candidate),
        hash: null,
        load: () => recordWith(agent, hash, (sources) => candidateRecord({ ...candidate, base: { hash, sources } })),
      };
    }
  }
}

type Found = Omit<LoggedCandidate, 'base'> & { base: Pick<LoggedCandidate['base'], 'hash'> };

/** As the improvement itself has told the lineage, or would have. */
function loggedOf({ id, state }: TriedImprovement): Found[] {
  const { queued, candidates, winner, staged, approval } = state;
  if (queued === null || candidates === null) return [];
  return candidates.flatMap((candidate, index): Found[] => {
    const isWinner = winner?.index === index;
    const refused = state.rejected.get(index) ?? (isWinner && approval?.decision === 'denied' ? state.reason : undefined);
    const isStaged = isWinner && staged !== null;
    // Not decided yet: it is told when it is.
    if (refused === undefined && !isStaged && !hasEnded(state)) return [];
    return [
      {
        improvement: id,
        agent: queued.agent,
        proposer: queued.proposer,
        base: { hash: queued.baseHash },
        files: candidate.files,
        note: candidate.note,
        verdict: refused ?? (isStaged ? 'accepted' : winner === null ? state.reason : 'another candidate was better'),
        promptHash: state.promptHash,
        costMicroUsd: state.spent.costMicroUsd,
        selection: candidate.selection,
        validation: state.validated.get(index)?.mean ?? null,
        test: isWinner ? (state.tested?.mean ?? null) : null,
        staged: isStaged ? staged : null,
        approver: isWinner ? (approval?.by ?? null) : null,
      },
    ];
  });
}

function recordOf({ agent, hash, number, parent, proposer }: VersionRow, sources: SourceFiles, maker: Found | undefined): CandidateRecord {
  if (maker === undefined) return handMadeRecord({ agent, hash, version: number, parent, proposer, sources });
  // Its files are all there: nothing is added to those of its base.
  return candidateRecord({ ...maker, files: {}, base: { ...maker.base, sources } });
}
