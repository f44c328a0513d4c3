// How a packer is scored: bins over the lower bound, on streams that nobody has seen before.
import { evaluation } from 'seed-agent/agent';
import type contract from '../contract.ts';
import { weibull, type Instance } from './instances.ts';
import { ledger } from './ledger.ts';
import { binsUsed, excessPercent, lowerBound } from './packing.ts';

const ITEMS = 5_000;

export default evaluation<typeof contract, Instance>({
  sets: { selection: { samples: 5 }, validation: { samples: 20 }, test: { samples: 20 } },
  bestPossible: 0,
  sample: (_set, random) => weibull(ITEMS, random),
  inside({ items, capacity }, candidate) {
    return excessPercent(binsUsed(items, capacity, candidate.priority), items, capacity);
  },
  *session({ family, items, capacity }) {
    const { fills, place } = ledger(capacity);
    for (const item of items) place(item, yield { item, capacity });
    const score = excessPercent(fills.length, items, capacity);
    return { score, detail: { family, items: items.length, bins: fills.length, lowerBound: lowerBound(items, capacity) } };
  },
});
