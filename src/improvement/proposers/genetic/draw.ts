// Draws from a generator that is handed in: nothing in the search is random in any other way.

/** Uniform in [0, 1). */
export type Random = () => number;

/** One of the elements, each as likely. @throws RangeError when there is none */
export function pick<Element>(elements: readonly Element[], random: Random): Element {
  if (elements.length === 0) throw new RangeError('nothing to pick from');
  return elements[below(elements.length, random)]!;
}

/** A whole number from 0 to count - 1. */
export function below(count: number, random: Random): number {
  return Math.floor(random() * count);
}

/** Normal with mean 0 and deviation 1. */
export function gaussian(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
