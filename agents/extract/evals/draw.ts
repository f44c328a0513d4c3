// Draws from a seeded generator.

/** Uniform in [0, 1). */
export type Random = () => number;

export function pick<Element>(elements: readonly Element[], random: Random): Element {
  return elements[Math.floor(random() * elements.length)]!;
}

/** A whole number from `lo` to `hi`, both included. */
export function between(lo: number, hi: number, random: Random): number {
  return lo + Math.floor(random() * (hi - lo + 1));
}

export function chance(share: number, random: Random): boolean {
  return random() < share;
}

/** One of the names, by their weights. */
export function weighted<Name extends string>(weights: Readonly<Record<Name, number>>, random: Random): Name {
  const entries = Object.entries(weights) as [Name, number][];
  let at = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    at -= weight;
    if (at < 0) return name;
  }
  return entries[0]![0];
}
