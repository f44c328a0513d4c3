// Online bin packing. How an item chooses its bin is `priority`; the rest keeps the books.
import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';

/** Bins with the same free space: for the priority they are one. */
interface Level {
  residual: number;
  /** Indexes of the bins, ascending. */
  bins: number[];
}

interface Packing {
  capacity: number;
  /** Bins opened so far: the index of the next one. */
  opened: number;
  /** Bins that can still take something. */
  open: number;
  /** Ascending by free space. */
  levels: Level[];
}

/** A stream without an end must not grow without one: above this many open bins the fullest is closed. */
const MAX_OPEN_BINS = 5_000;

/** How much the item wants into a bin with this free space: the highest number wins, among equals the bin that was opened first. */
export function priority(item: number, residual: number, capacity: number): number {
  return (item - residual) / capacity;
}

export default agent<typeof contract, Packing>({
  async handle({ item, capacity }, ctx) {
    const packing = (await ctx.state.get()) ?? { capacity, opened: 0, open: 0, levels: [] };
    if (capacity !== packing.capacity) {
      throw new Error(`this instance packs bins of ${packing.capacity}, not of ${capacity}: use another key for another capacity`);
    }
    if (item > capacity) throw new Error(`an item of ${item} does not fit into a bin of ${capacity}`);

    const level = choose(packing, item);
    const opened = level === undefined;
    const bin = opened ? packing.opened++ : take(packing, level);
    put(packing, { bin, residual: (opened ? capacity : level.residual) - item });
    if (packing.open > MAX_OPEN_BINS) {
      const closed = take(packing, packing.levels[0]!);
      ctx.log.warn('closed the fullest bin: too many are open', { bin: closed, open: packing.open });
    }
    await ctx.state.set(packing);
    return { bin, opened };
  },
});

/** The level to take a bin from; undefined for a fresh bin, which comes after all others when priorities are equal. */
function choose({ capacity, levels }: Packing, item: number): Level | undefined {
  let chosen: Level | undefined;
  let highest = rank(priority(item, capacity, capacity));
  for (const level of levels) {
    if (level.residual < item) continue;
    const value = rank(priority(item, level.residual, capacity));
    if (value < highest) continue;
    if (value > highest || chosen === undefined || level.bins[0]! < chosen.bins[0]!) {
      chosen = level;
      highest = value;
    }
  }
  return chosen;
}

/** What is not a finite number is lower than every number. */
function rank(value: number): number {
  return Number.isFinite(value) ? value : -Infinity;
}

/** Takes the bin with the lowest index out of its level. */
function take(packing: Packing, level: Level): number {
  const bin = level.bins.shift()!;
  if (level.bins.length === 0) packing.levels.splice(packing.levels.indexOf(level), 1);
  packing.open -= 1;
  return bin;
}

/** Files a bin under its free space; a full one is not kept. */
function put(packing: Packing, { bin, residual }: { bin: number; residual: number }): void {
  if (residual === 0) return;
  const { levels } = packing;
  let at = levels.findIndex((level) => level.residual >= residual);
  if (at === -1) at = levels.length;
  if (levels[at]?.residual !== residual) levels.splice(at, 0, { residual, bins: [] });
  const { bins } = levels[at]!;
  let place = bins.length;
  while (place > 0 && bins[place - 1]! > bin) place -= 1;
  bins.splice(place, 0, bin);
  packing.open += 1;
}
