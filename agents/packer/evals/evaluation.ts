// How a packer is scored: bins over the lower bound, on streams that nobody has seen before.
import { evaluation, type Output, type Request, type SessionResult } from 'seed-agent/agent';
import type contract from '../contract.ts';
import { uniform, weibull, type Instance } from './instances.ts';
import { ledger } from './ledger.ts';
import { binsUsed, excessPercent, lowerBound } from './packing.ts';

const WEIBULL_ITEMS = 5_000;
const UNIFORM_ITEMS = 1_000;

export default evaluation<typeof contract, Instance>({
  bestPossible: 0,
  sample: (_set, random) => weibull(WEIBULL_ITEMS, random),
  inside({ items, capacity }, candidate) {
    return excessPercent(binsUsed(items, capacity, candidate.priority), items, capacity);
  },
  session,
  reported: { 'uniform 1k': { sample: (random) => uniform(UNIFORM_ITEMS, random), session } },
});

/** Call by call: the books are the scorer's own. */
function* session({ family, items, capacity }: Instance): Generator<Request<typeof contract>, SessionResult, Output<typeof contract>> {
  const { fills, place } = ledger(capacity);
  for (const item of items) place(item, yield { item, capacity });
  const score = excessPercent(fills.length, items, capacity);
  return { score, detail: { family, items: items.length, bins: fills.length, lowerBound: lowerBound(items, capacity) } };
}
