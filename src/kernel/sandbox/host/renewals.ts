// Before which calls of a session the candidate's module is loaded anew: often at the beginning, ever more seldom later, so that short
// sessions meet it and long ones do not pay for it. Not to be foreseen by whoever does not know the sample's seed.
import { createHash } from 'node:crypto';
import { seededRandom } from '../guest/random.ts';

/** @returns whether to renew before a call; to be asked once for each, from 0 on */
export function renewals(sampleSeed: number): (call: number) => boolean {
  const random = seededRandom(createHash('sha256').update(`renewals/${sampleSeed}`).digest().readUIntBE(0, 6));
  let next = 0;
  return (call) => {
    if (call < next) return false;
    next = call + 1 + Math.floor(random() * (call + 4));
    return true;
  };
}
