// How often each variation is drawn: by its own weight, and by what its children have brought lately against those of the others.
import type { Random } from './draw.ts';
import { VARIATION_NAMES, type VariationName } from './variation.ts';

/** How often each is drawn, against the others; one without weight never is. */
export type VariationWeights = Readonly<Record<VariationName, number>>;

export interface VariationMix {
  draw(random: Random): VariationName;
  /** A child was scored. `credit`: 0 when it was not kept, up to 1 when it was and is far better than its parent. */
  note(name: VariationName, credit: number): void;
  /** As they are now; their sum never changes. */
  weights(): VariationWeights;
}

/** Of its own weight, what a variation keeps that brings nothing: the search may need it again. */
const FLOOR = 0.25;
/** Weight of the newest child in what a variation has brought lately: half of it is forgotten after some 35 children. */
const RATE = 0.02;
/** What each is thought to bring before anything is known. The same for all, and more than most do: it fades as children are scored. */
const FIRST_YIELD = 0.2;

/** The weights as they are, whatever the children bring. */
export function fixedMix(weights: VariationWeights): VariationMix {
  return { draw: (random) => drawn(weights, random), note: () => undefined, weights: () => weights };
}

/**
 * Probability matching: a variation is drawn in proportion to its weight and to the mean credit of its latest children, and at least with
 * `FLOOR` of its weight. The same notes in the same order give the same weights.
 */
export function adaptiveMix(weights: VariationWeights): VariationMix {
  const total = VARIATION_NAMES.reduce((sum, name) => sum + weights[name], 0);
  const yields = mapNames(() => FIRST_YIELD);
  let current = weights;
  return {
    draw: (random) => drawn(current, random),
    note(name, credit) {
      yields[name] += RATE * (credit - yields[name]);
      const mean = VARIATION_NAMES.reduce((sum, one) => sum + weights[one] * yields[one], 0) / total;
      if (mean > 0) current = mapNames((one) => weights[one] * (FLOOR + ((1 - FLOOR) * yields[one]) / mean));
    },
    weights: () => current,
  };
}

function drawn(weights: VariationWeights, random: Random): VariationName {
  let at = random() * VARIATION_NAMES.reduce((sum, name) => sum + weights[name], 0);
  return VARIATION_NAMES.find((name) => (at -= weights[name]) < 0) ?? 'crossover';
}

function mapNames(value: (name: VariationName) => number): Record<VariationName, number> {
  return Object.fromEntries(VARIATION_NAMES.map((name) => [name, value(name)])) as Record<VariationName, number>;
}
