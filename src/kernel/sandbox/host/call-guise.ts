// How a scored call looks from inside: like one that is served. Code that could tell the two apart could be good only where it is
// looked at. All of it follows from the sample's seed, so that every candidate is shown the same; the seed does not follow from it.
import { createHash } from 'node:crypto';
import { seededRandom } from '../guest/random.ts';

const DAY_MS = 86_400_000;
/** Samples are set up to so many days ahead: code that waits for its day meets it here. */
const DAYS_AHEAD = 366;
/** Served calls do not come at the same millisecond. */
const MAX_PAUSE_MS = 5_000;

export interface CallGuise {
  /** The instance's key as JSON: `null` without state. */
  readonly keyJson: string;
  readonly principalJson: string;
  /** Clock and generator of the next call. */
  next(): { timeMs: number; seed: number };
}

/** @param options.nowMs only its day counts */
export function callGuise(sampleSeed: number, options: { stateful: boolean; nowMs: number }): CallGuise {
  const digest = createHash('sha256').update(`guise/${sampleSeed}`).digest();
  const random = seededRandom(digest.readUIntBE(0, 6));
  let timeMs = Math.floor(options.nowMs / DAY_MS) * DAY_MS + Math.floor(random() * DAYS_AHEAD * DAY_MS);
  const key = random() < 0.5 ? 'default' : digest.toString('hex', 6, 12);
  const principal = { kind: 'user', id: digest.toString('hex', 12, 24), roles: [], scopes: [] };
  return {
    keyJson: options.stateful ? JSON.stringify(key) : 'null',
    principalJson: JSON.stringify(principal),
    next() {
      timeMs += Math.floor(random() * MAX_PAUSE_MS);
      return { timeMs, seed: Math.floor(random() * 0x1_0000_0000) };
    },
  };
}
