// Puts an artifact that is missing or damaged on this disk back from the durable copy, which is checked just as hard.
import { isSeedError, SeedError } from '#lib/error.ts';
import { artifactProblem, isAcceptable } from './artifact-files.ts';
import type { SignedArtifact } from './artifact-store.ts';
import type { StoreParts } from './store-parts.ts';
import { noVersion } from './version-reference.ts';

export interface Restored {
  signed: SignedArtifact;
  /** Its number where it was written back; null where the disk did not take it, or had it after all. */
  number: number | null;
}

/**
 * Why an artifact can not be used, in the details of `artifact_corrupt`. damaged: no copy is what was signed, on any node.
 * not_accepted: it may be whole, and this node does not accept who signed it. unreachable: the durable copy may be whole.
 */
export type Unusable = 'damaged' | 'not_accepted' | 'unreachable';

/**
 * A disk that is full or read-only does not stop it from being served.
 * @throws SeedError `not_found`, `artifact_corrupt` when no copy is what was signed; what the durable copy throws when nothing was damaged
 */
export function restoreArtifact(parts: StoreParts, { agent, hash }: { agent: string; hash: string }): Promise<Restored> {
  const { objects, keys, durable, turns, onDamage } = parts;
  return turns.take(`object ${hash}`, async () => {
    // Again, now that nobody writes or removes it: what was under way looked like damage.
    const read = await objects.read(hash, keys);
    if (read.state === 'whole') return { signed: read.signed, number: null };
    const problem = read.state === 'damaged' ? read.problem : null;
    const report = (repaired: boolean): void => {
      if (problem !== null) onDamage({ agent, hash, problem, repaired });
    };
    const refuse = (error: unknown): never => {
      report(false);
      throw error;
    };
    const copy = await durable
      .get(agent, hash)
      .catch((error: unknown) =>
        refuse(
          problem === null || !isAway(error)
            ? error
            : corrupt(hash, { why: 'unreachable', problem: `${problem}, and the durable copy can not be reached` }, error),
        ),
      );
    if (copy === null)
      return refuse(
        problem === null ? noVersion(agent, hash) : corrupt(hash, { why: 'damaged', problem: `${problem}, and there is no durable copy` }),
      );
    const wrong = artifactProblem(copy, keys);
    if (wrong !== null) {
      const why = isAcceptable(copy, keys) ? 'damaged' : 'not_accepted';
      return refuse(corrupt(hash, { why, problem: `in the durable copy ${wrong}` }));
    }
    const written = await objects.write(copy).then(
      () => true,
      (error: unknown) => {
        if (isSeedError(error) && error.code === 'storage_full') return false;
        throw error;
      },
    );
    report(written);
    return { signed: copy, number: written ? copy.number : null };
  });
}

function isAway(error: unknown): boolean {
  return isSeedError(error) && error.status === 503;
}

function corrupt(hash: string, { why, problem }: { why: Unusable; problem: string }, cause?: unknown): SeedError {
  return new SeedError('artifact_corrupt', `the artifact ${hash.slice(0, 12)} can not be used: ${problem}`, {
    cause,
    details: { why },
    hint:
      why === 'not_accepted'
        ? 'bring back keys/ of the data folder, or the public key of the node that signed it'
        : 'the version before stays live; seed code:verify says what else is damaged',
  });
}
