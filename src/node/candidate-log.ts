// Every candidate of an improvement as a commit. It is for people and plain git: what goes wrong here is said, and stops nothing.
import { join } from 'node:path';
import { baseCommit, withoutEvaluation } from '#improvement/lineage/base-commit.ts';
import { Lineage } from '#improvement/lineage/lineage.ts';
import type { CandidateLog, LoggedCandidate } from '#improvement/candidate-log.ts';
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import { timeOfUuidv7 } from '#lib/id.ts';
import type { Parts } from './parts.ts';
import { reportTo } from './report-error.ts';

export function createLineage(parts: Parts): Lineage {
  const { data, searchPath } = parts.ground.config;
  return new Lineage({ folder: join(data.dir, 'lineage.git'), scratch: join(data.dir, 'scratch'), searchPath });
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
  const { improvement, agent, proposer, base, files, note, verdict, staged } = candidate;
  const { promptHash, costMicroUsd, selection, validation, test, approver } = candidate;
  const parent = await baseCommit(lineage, { agent, hash: base.hash, version: base.version, sources: base.sources });
  const sources = withoutEvaluation({ ...base.sources, ...files });
  // The same candidate again is the same branch.
  const branch = `${agent}/${improvement}/${sha256(canonicalJson(files)).slice(0, 12)}`;
  const commit = {
    subject: staged === null ? `${agent}: ${note || 'a candidate'}` : `${agent} v${staged.version}: ${note || 'a candidate'}`,
    body: verdict === 'accepted' ? '' : `Refused: ${verdict}`,
    note: {
      agent,
      improvement,
      parent: base.hash,
      proposer,
      verdict: verdict === 'accepted' ? verdict : 'rejected',
      costMicroUsd,
      ...known({ promptHash, selection, validation, test, approver }),
      ...staged,
    },
    files: sources,
    author: { name: proposer, atMs: timeOfUuidv7(improvement) },
    parent,
  };
  await lineage.record(branch, commit);
  if (verdict === 'accepted') await lineage.record(`${agent}/live`, commit);
}

function known<T extends Record<string, string | number | null>>(values: T): { [K in keyof T]?: Exclude<T[K], null> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as { [K in keyof T]?: Exclude<T[K], null> };
}
