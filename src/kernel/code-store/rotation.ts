// After a key was rotated: every version that an accepted key vouches for is signed again, so that the old key can go.
import { canonicalJson } from '#lib/canonical-json.ts';
import { artifactProblem } from './artifact-files.ts';
import type { StoreParts } from './store-parts.ts';

/** Can be run again after it was interrupted. @returns how many were signed again */
export async function resignAll({ objects, keys, durable, turns }: StoreParts): Promise<number> {
  let resigned = 0;
  for (const agent of await durable.agents()) {
    for (const { hash } of await durable.list(agent)) {
      await turns.take(`object ${hash}`, async () => {
        const copy = await durable.get(agent, hash);
        // What nobody vouches for is not vouched for now either: verify says what is wrong with it.
        if (copy === null || copy.signature.keyId === keys.keyId || artifactProblem(copy, keys) !== null) return;
        const signed = { artifact: copy.artifact, signature: keys.sign(canonicalJson(copy.artifact.manifest)) };
        await durable.resign(hash, signed.signature);
        const read = await objects.read(hash, keys);
        if (read.state !== 'missing') await objects.write(signed);
        resigned += 1;
      });
    }
  }
  return resigned;
}
