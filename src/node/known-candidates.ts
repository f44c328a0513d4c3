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
    const told = tried.map((improvement) => loggedOf(improvement));
    const makers = new Map(told.flat().flatMap((one) => (one.staged === null ? [] : [[one.staged.hash, one] as const])));
    let written = 0;
    const upTo = function* (number: number): Generator<KnownCandidate> {
      for (; written < versions.length && versions[written]!.number <= number; written += 1) {
        const version = versions[written]!;
        yield {
          branch: liveBranch(agent),
          hash: version.hash,
          load: () => recordWith(agent, version.hash, (sources) => recordOf(version, sources, makers.get(version.hash))),
        };
      }
    };
    // As it went: a version may have been made from a candidate that did not become one, and that one from a version before.
    for (const candidate of told.flat()) {
      const { hash } = candidate.base;
      const number = numbers.get(hash);
      if (number !== undefined) yield* upTo(number);
      if (candidate.staged !== null || number === undefined) continue;
      yield {
        branch: candidateBranch(candidate),
        hash: null,
        load: () => recordWith(agent, hash, (sources) => candidateRecord({ ...candidate, base: { hash, sources } })),
      };
    }
    yield* upTo(Infinity);
  }
}

type Found = Omit<LoggedCandidate, 'base'> & { base: Pick<LoggedCandidate['base'], 'hash'> };

/** As the improvement itself has told the lineage, or would have. */
function loggedOf({ id, state }: TriedImprovement): Found[] {
  const { queued, candidates, winner, staged, approval } = state;
  if (queued === null) return [];
  const common = {
    improvement: id,
    agent: queued.agent,
    proposer: queued.proposer,
    base: { hash: queued.baseHash },
    costMicroUsd: state.spent.costMicroUsd,
  };
  const inVain = state.attempts.flatMap(
    ({ reason, files = {}, selection = null, note = '', parent = null, promptHash = state.promptHash }): Found[] =>
      Object.keys(files).length === 0
        ? []
        : [
            {
              ...common,
              promptHash,
              files,
              note,
              parent,
              verdict: reason,
              selection,
              validation: null,
              test: null,
              staged: null,
              approver: null,
            },
          ],
  );
  const handedOver = (candidates ?? []).flatMap((candidate, index): Found[] => {
    const isWinner = winner?.index === index;
    const refused = state.rejected.get(index) ?? (isWinner && approval?.decision === 'denied' ? state.reason : undefined);
    const isStaged = isWinner && staged !== null;
    // Not decided yet: it is told when it is.
    if (refused === undefined && !isStaged && !hasEnded(state)) return [];
    return [
      {
        ...common,
        files: candidate.files,
        note: candidate.note,
        parent: candidate.parent ?? null,
        promptHash: candidate.promptHash ?? state.promptHash,
        verdict: refused ?? (isStaged ? 'accepted' : winner === null ? state.reason : 'another candidate was better'),
        selection: candidate.selection,
        validation: state.validated.get(index)?.mean ?? null,
        test: isWinner ? (state.tested?.mean ?? null) : null,
        staged: isStaged ? staged : null,
        approver: isWinner ? (approval?.by ?? null) : null,
      },
    ];
  });
  return [...inVain, ...handedOver];
}

function recordOf({ agent, hash, number, parent, proposer }: VersionRow, sources: SourceFiles, maker: Found | undefined): CandidateRecord {
  if (maker === undefined) return handMadeRecord({ agent, hash, version: number, parent, proposer, sources });
  // Its files are all there: nothing is added to those of its base.
  return candidateRecord({ ...maker, files: {}, base: { ...maker.base, sources } });
}
