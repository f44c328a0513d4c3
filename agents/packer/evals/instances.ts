// The two families of item streams that the literature scores online bin packing on, drawn fresh from a seeded generator.

export type Family = 'weibull' | 'uniform';

export interface Instance {
  family: Family;
  capacity: number;
  items: number[];
}

/** Weibull sizes, shape 3, scale 45, rounded and clipped to 1…100, in bins of 100. */
export function weibull(count: number, random: () => number): Instance {
  return { family: 'weibull', capacity: 100, items: Array.from({ length: count }, () => weibullSize(random())) };
}

/** Whole numbers 20…100, each as likely as the other, in bins of 150: how the OR-Library's instances binpack1 to 4 were drawn. */
export function uniform(count: number, random: () => number): Instance {
  return { family: 'uniform', capacity: 150, items: Array.from({ length: count }, () => 20 + Math.floor(random() * 81)) };
}

function weibullSize(u: number): number {
  return Math.min(100, Math.max(1, Math.round(45 * Math.cbrt(-Math.log(1 - u)))));
}
