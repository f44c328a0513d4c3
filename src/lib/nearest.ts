// "Did you mean": the known name that is closest to a mistyped one.

/**
 * The candidate with the fewest edits (insert, delete, replace, swap of neighbours), if it is close enough to be a slip:
 * at most a third of the longer word and never more than four. A candidate that merely contains the word comes after those.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const asked = word.toLowerCase().slice(0, 100);
  let best: string | undefined;
  let bestCost = Infinity;
  for (const candidate of candidates) {
    const known = candidate.toLowerCase();
    const limit = Math.min(4, Math.max(1, Math.floor(Math.max(asked.length, known.length) / 3)));
    let cost = edits(asked, known);
    if (cost > limit) cost = asked.length >= 3 && known.includes(asked) ? 5 + known.length - asked.length : Infinity;
    if (cost < bestCost) {
      bestCost = cost;
      best = candidate;
    }
  }
  return best;
}

/** Optimal string alignment distance. */
function edits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (same ? 0 : 1));
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
