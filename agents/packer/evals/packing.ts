// Packing as the scorer sees it: the reference loop over a priority function, and the ledger that checks somebody else's answers.

/** Argument order of the evolvable function. */
export type Priority = (item: number, residual: number, capacity: number) => number;

/** Bins that no packing can do without: the items' total size over the capacity, rounded up. */
export function lowerBound(items: readonly number[], capacity: number): number {
  let total = 0;
  for (const item of items) total += item;
  return Math.ceil(total / capacity);
}

/** Bins over the lower bound, per cent of the lower bound. */
export function excessPercent(bins: number, items: readonly number[], capacity: number): number {
  const bound = lowerBound(items, capacity);
  return (100 * (bins - bound)) / bound;
}

/**
 * How many bins the priority fills. Each item goes to the bin with the highest priority among the open bins that fit and
 * one fresh bin; the lowest index wins ties; what is not a finite number is lower than every number.
 *
 * Bins with the same free space have the same priority: only the first of each level is looked at, and the function is
 * called once for each pair (item, free space). A search runs this in an isolate that has just been made, before any
 * optimising compiler has seen it, hence lists in typed arrays instead of arrays of arrays.
 */
export function binsUsed(items: readonly number[], capacity: number, priority: Priority): number {
  const width = capacity + 1;
  const table = priorityTable(capacity, priority);
  const shelf = emptyShelf(capacity, items.length);
  const { fuller, emptier, first } = shelf;
  let bins = 0;
  for (const item of items) {
    const row = item * width;
    // The level of the capacity stands for the fresh bin.
    let chosen = capacity;
    let highest = Number.NaN;
    for (let residual = capacity; residual >= item; residual = fuller[residual]!) {
      let value = table[row + residual]!;
      if (value !== value) {
        const answer = priority(item, residual, capacity);
        table[row + residual] = value = Number.isFinite(answer) ? answer : -Infinity;
      }
      if (value < highest) continue;
      if (value === highest && chosen !== capacity && first[residual]! > first[chosen]!) continue;
      chosen = residual;
      highest = value;
    }
    const bin = chosen === capacity ? bins++ : first[chosen]!;
    // The level above stays where it is, whether or not the bin was the last one of its level.
    const from = chosen === capacity ? capacity : emptier[chosen]!;
    if (chosen < capacity) takeFirst(shelf, chosen);
    if (chosen > item) put(shelf, { bin, residual: chosen - item, from });
  }
  return bins;
}

/** Open bins by free space, as linked lists; -1 ends a list. */
interface Shelf {
  /** The next level with bins, fuller or emptier, for each level with bins. Level `capacity` is always there. */
  fuller: Int32Array;
  emptier: Int32Array;
  /** Lowest and highest bin of each level. */
  first: Int32Array;
  last: Int32Array;
  /** Neighbours of each bin in its level. */
  next: Int32Array;
  previous: Int32Array;
}

function emptyShelf(capacity: number, items: number): Shelf {
  const levels = (): Int32Array => new Int32Array(capacity + 1).fill(-1);
  const bins = (): Int32Array => new Int32Array(items).fill(-1);
  return { fuller: levels(), emptier: levels(), first: levels(), last: levels(), next: bins(), previous: bins() };
}

/** Adds a bin to a level; `from` is any level above it that is in the list. */
function put(shelf: Shelf, { bin, residual, from }: { bin: number; residual: number; from: number }): void {
  const { fuller, emptier, first, last, next, previous } = shelf;
  if (first[residual] === -1) {
    let above = from;
    while (fuller[above]! > residual) above = fuller[above]!;
    const below = fuller[above]!;
    fuller[above] = residual;
    emptier[residual] = above;
    fuller[residual] = below;
    if (below !== -1) emptier[below] = residual;
  }
  // Most bins are younger than those that are there.
  let before = last[residual]!;
  while (before > bin) before = previous[before]!;
  const after = before === -1 ? first[residual]! : next[before]!;
  previous[bin] = before;
  next[bin] = after;
  if (before === -1) first[residual] = bin;
  else next[before] = bin;
  if (after === -1) last[residual] = bin;
  else previous[after] = bin;
}

/** Takes the lowest bin out of a level, and the level out of its list when that was the last one. @returns a level that is still there */
function takeFirst(shelf: Shelf, residual: number): number {
  const { fuller, emptier, first, last, next, previous } = shelf;
  const second = next[first[residual]!]!;
  first[residual] = second;
  if (second !== -1) {
    previous[second] = -1;
    return residual;
  }
  last[residual] = -1;
  const above = emptier[residual]!;
  const below = fuller[residual]!;
  fuller[above] = below;
  if (below !== -1) emptier[below] = above;
  return above;
}

let lastTable: { priority: Priority; capacity: number; values: Float64Array } | undefined;

/** Priorities by item and free space, NaN where not asked for yet; kept for the next sample of the same candidate. */
function priorityTable(capacity: number, priority: Priority): Float64Array {
  if (lastTable?.priority !== priority || lastTable.capacity !== capacity) {
    lastTable = { priority, capacity, values: new Float64Array((capacity + 1) ** 2).fill(Number.NaN) };
  }
  return lastTable.values;
}
