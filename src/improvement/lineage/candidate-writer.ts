// Writing candidates into a repository: one that is told, or all that are known and are not there yet.
import { setHead } from './bare-repository.ts';
import { branchOf } from './candidate-record.ts';
import { gitIn } from './git.ts';
import { ARTIFACT_REFS, importScript, type CandidateRecord, type Placed } from './candidate-commit.ts';

/** A candidate that is known elsewhere. */
export interface KnownCandidate {
  branch: string;
  /** Of a version; null: it did not become one, and its branch says whether it was written down. */
  hash: string | null;
  /** Null: it can not be read any more, and is left out. */
  load: () => Promise<CandidateRecord | null>;
}

/** Commits that are written at once. */
const CHUNK = 100;

/** @returns the commits, in the order given */
export async function writeCandidates(folder: string, searchPath: string, placed: readonly Placed[]): Promise<readonly string[]> {
  const git = gitIn(folder, { searchPath, input: importScript(placed) });
  const commits = (await git.raw(['fast-import', '--force', '--quiet', '--date-format=raw'])).trim().split('\n');
  const newest = placed.findLast(({ candidate }) => candidate.note.verdict === 'accepted');
  // So that plain `git log` shows the way to the newest version.
  if (newest !== undefined) await setHead(folder, newest.branch);
  return commits;
}

/** The commit that a reference points to. */
export async function commitAt(folder: string, searchPath: string, reference: string): Promise<string | null> {
  return (await references(folder, searchPath, [reference])).get(reference) ?? null;
}

/**
 * Writes down what is known and is not there.
 * @param known parents before their children
 * @returns how many
 */
export async function writeMissing(folder: string, searchPath: string, known: AsyncIterable<KnownCandidate>): Promise<number> {
  const there = await references(folder, searchPath, ['refs/heads', ARTIFACT_REFS]);
  let placed: Placed[] = [];
  let written = 0;
  const flush = async (): Promise<void> => {
    const commits = await writeCandidates(folder, searchPath, placed);
    for (const [index, { branch, candidate }] of placed.entries()) {
      there.set(`${ARTIFACT_REFS}${candidate.note.hash}`, commits[index] ?? '');
      there.set(`refs/heads/${branch}`, commits[index] ?? '');
    }
    written += commits.length;
    placed = [];
  };
  for await (const { branch, hash, load } of known) {
    if (there.has(hash === null ? `refs/heads/${branch}` : `${ARTIFACT_REFS}${hash}`)) continue;
    const candidate = await load();
    if (candidate === null) continue;
    placed.push({ branch, candidate, parent: parentOf(candidate, placed, there) });
    if (placed.length === CHUNK) await flush();
  }
  if (placed.length > 0) await flush();
  return written;
}

/** The candidate that it was made from; where that is not known, the version. */
function parentOf({ note }: CandidateRecord, placed: readonly Placed[], there: ReadonlyMap<string, string>): Placed['parent'] {
  const { agent, madeFrom, parent } = note;
  const branch = madeFrom === undefined ? null : branchOf(agent, madeFrom);
  const candidate = branch === null ? -1 : placed.findIndex((one) => one.branch === branch);
  if (candidate !== -1) return candidate;
  const known = branch === null ? undefined : there.get(`refs/heads/${branch}`);
  if (known !== undefined) return known;
  const version = placed.findIndex((one) => parent !== undefined && one.candidate.note.hash === parent);
  return version === -1 ? (there.get(`${ARTIFACT_REFS}${parent}`) ?? null) : version;
}

async function references(folder: string, searchPath: string, patterns: readonly string[]): Promise<Map<string, string>> {
  const text = await gitIn(folder, { searchPath }).raw(['for-each-ref', '--format=%(refname) %(objectname)', ...patterns]);
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
}
