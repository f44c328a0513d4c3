import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../random.ts';
import { VARIATION_NAMES, VARIATION_WEIGHTS, type VariationName } from './variation.ts';
import { adaptiveMix, fixedMix, type VariationMix } from './variation-mix.ts';

const notes = fc.array(fc.record({ name: fc.constantFrom(...VARIATION_NAMES), credit: fc.double({ min: 0, max: 1, noNaN: true }) }), {
  maxLength: 300,
});

function noted(mix: VariationMix, all: readonly { name: VariationName; credit: number }[]): VariationMix {
  for (const { name, credit } of all) mix.note(name, credit);
  return mix;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** How often each is drawn. */
function drawnBy(mix: VariationMix, times = 2_000): Record<VariationName, number> {
  const random = randomFrom(1, 'mix test');
  const counts = Object.fromEntries(VARIATION_NAMES.map((name) => [name, 0])) as Record<VariationName, number>;
  for (let time = 0; time < times; time++) counts[mix.draw(random)] += 1;
  return counts;
}

describe('what has brought more is drawn more', () => {
  test('and what brings nothing less', () => {
    const all = Array.from({ length: 100 }, () =>
      VARIATION_NAMES.map((name) => ({ name, credit: name === 'hoist' ? 0.5 : name === 'tuning' ? 0 : 0.1 })),
    );
    const weights = noted(adaptiveMix(VARIATION_WEIGHTS), all.flat()).weights();
    expect(weights.hoist).toBeGreaterThan(2 * VARIATION_WEIGHTS.hoist);
    expect(weights.tuning).toBeLessThan(VARIATION_WEIGHTS.tuning / 2);
    expect(weights.crossover / weights.subtree).toBeCloseTo(VARIATION_WEIGHTS.crossover / VARIATION_WEIGHTS.subtree, 6);
  });

  test('what was good long ago counts no more', () => {
    const mix = adaptiveMix(VARIATION_WEIGHTS);
    noted(mix, Array(200).fill({ name: 'hoist', credit: 1 }));
    const then = mix.weights().hoist;
    noted(mix, Array.from({ length: 400 }, () => VARIATION_NAMES.map((name) => ({ name, credit: name === 'hoist' ? 0 : 0.2 }))).flat());
    expect(mix.weights().hoist).toBeLessThan(then / 4);
  });

  test('where all bring the same, nothing changes', () => {
    const mix = adaptiveMix(VARIATION_WEIGHTS);
    for (let round = 0; round < 500; round++)
      noted(
        mix,
        VARIATION_NAMES.map((name) => ({ name, credit: 0.3 })),
      );
    for (const name of VARIATION_NAMES) expect(mix.weights()[name]).toBeCloseTo(VARIATION_WEIGHTS[name], 2);
  });
});

test('none dies out, and together they keep their weight, whatever they bring', () => {
  fc.assert(
    fc.property(notes, (all) => {
      const weights = noted(adaptiveMix(VARIATION_WEIGHTS), all).weights();
      for (const name of VARIATION_NAMES) expect(weights[name]).toBeGreaterThanOrEqual(VARIATION_WEIGHTS[name] / 4 - 1e-9);
      expect(sum(VARIATION_NAMES.map((name) => weights[name]))).toBeCloseTo(sum(Object.values(VARIATION_WEIGHTS)), 9);
    }),
  );
});

test('none that ever brought anything: the weights are as they were', () => {
  const mix = noted(
    adaptiveMix(VARIATION_WEIGHTS),
    Array.from({ length: 50_000 }, (_, index) => ({ name: VARIATION_NAMES[index % VARIATION_NAMES.length]!, credit: 0 })),
  );
  for (const name of VARIATION_NAMES) expect(mix.weights()[name]).toBeCloseTo(VARIATION_WEIGHTS[name], 2);
});

test('the same notes give the same draws', () => {
  fc.assert(
    fc.property(notes, (all) => {
      const [one, other] = [noted(adaptiveMix(VARIATION_WEIGHTS), all), noted(adaptiveMix(VARIATION_WEIGHTS), all)];
      expect(drawnBy(other, 50)).toEqual(drawnBy(one, 50));
    }),
    { numRuns: 20 },
  );
});

describe.each([
  ['adaptive', adaptiveMix],
  ['fixed', fixedMix],
])('%s', (_name, mixOf) => {
  test('draws as often as the weights say, and never one without', () => {
    const mix = mixOf({ ...VARIATION_WEIGHTS, crossover: 0 });
    noted(mix, Array(50).fill({ name: 'crossover', credit: 1 }));
    const counts = drawnBy(mix);
    expect(counts.crossover).toBe(0);
    expect(counts.tuning).toBeGreaterThan(counts.hoist);
    expect(sum(Object.values(counts))).toBe(2_000);
  });
});

test('fixed weights stay as they are', () => {
  const mix = noted(fixedMix(VARIATION_WEIGHTS), Array(50).fill({ name: 'hoist', credit: 1 }));
  expect(mix.weights()).toEqual(VARIATION_WEIGHTS);
});
