// Every candidate of an improvement as a commit. It is for people and plain git: what goes wrong here is said, and stops nothing.
import { join } from 'node:path';
import { baseCommit } from '#improvement/lineage/base-commit.ts';
import { candidateBranch, candidateRecord, liveBranch } from '#improvement/lineage/candidate-record.ts';
import { Lineage } from '#improvement/lineage/lineage.ts';
import type { CandidateLog, LoggedCandidate } from '#improvement/candidate-log.ts';
import { knownCandidates } from './known-candidates.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';

export function createLineage(parts: Parts): Lineage {
  const { config, codingClis } = parts.ground;
  const { data, searchPath } = config;
  const onError = reportTo(parts, 'improvements.lineage.failed');
  const known = () =>
    knownCandidates({
      database: parts.get('database'),
      agents: () => parts.get('agents').names(),
      sourcesOf: async (agent, hash) => (await parts.get('codeStore').load(agent, hash)).artifact.sources,
      onError,
    });
  return new Lineage({
    folder: join(data.dir, 'lineage.git'),
    // Asked for when somebody works there: a node that improves nothing leaves nothing behind, however it ends.
    get scratch() {
      return codingClis.scratch;
    },
    searchPath,
    known,
    onError,
  });
}

export function candidateLog(parts: Parts, lineage: Lineage): CandidateLog {
  const failed = reportTo(parts, 'improvements.lineage.failed');
  return {
    record: async (candidate) => {
      try {
        await record(lineage, candidate);
      } catch (error) {
        failed(error);
      }
    },
  };
}

async function record(lineage: Lineage, candidate: LoggedCandidate): Promise<void> {
  const { agent, base, verdict, parent: madeFrom } = candidate;
  const version = await baseCommit(lineage, { agent, hash: base.hash, version: base.version, sources: base.sources });
  const parent = (madeFrom === null ? null : await lineage.commitOfCandidate(agent, madeFrom)) ?? version;
  const commit = { ...candidateRecord(candidate), parent };
  await lineage.record(candidateBranch(candidate), commit);
  if (verdict === 'accepted') await lineage.record(liveBranch(agent), commit);
}
