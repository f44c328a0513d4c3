// The name of a candidate: the same files out of the same improvement are the same candidate.
import { canonicalJson, sha256 } from '#lib/canonical-json.ts';
import type { ChangedFiles } from '../events.ts';

/** `<improvement>/<first 12 digits of the SHA-256 of its changed files>`: its branch in the lineage, below its agent's. */
export function candidateId(improvement: string, files: ChangedFiles): string {
  return `${improvement}/${sha256(canonicalJson(files)).slice(0, 12)}`;
}
