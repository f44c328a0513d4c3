import { describe, expect, test } from 'vitest';
import evaluation from './evaluation.ts';
import { uniform, weibull } from './instances.ts';
import { ledger, type Placement } from './ledger.ts';
import { binsUsed, excessPercent, lowerBound } from './packing.ts';

/** A small generator of its own: tests of an agent use nothing of the runtime. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const bestFit = (item: number, residual: number): number => item - residual;

/** Leads a session with a packer's answers. */
function score(
  sample: ReturnType<typeof weibull>,
  answer: (item: number, index: number) => Placement,
  task: Pick<typeof evaluation, 'session'> = evaluation,
) {
  const session = task.session(sample);
  let step = session.next();
  for (let index = 0; !step.done; index++) step = session.next(answer(step.value.item, index));
  return step.value;
}

/** Best fit over plain bins, slow and obvious. */
function plainBestFit(capacity: number): (item: number) => Placement {
  const free: number[] = [];
  return (item) => {
    let bin = -1;
    free.forEach((residual, index) => {
      if (residual >= item && (bin === -1 || residual < free[bin]!)) bin = index;
    });
    const opened = bin === -1;
    if (opened) bin = free.push(capacity) - 1;
    free[bin]! -= item;
    return { bin, opened };
  };
}

describe('instances', () => {
  test('Weibull sizes have the published shape', () => {
    const { items, capacity } = weibull(200_000, randomFrom(1));
    const share = (size: number): number => items.filter((item) => item <= size).length / items.length;
    expect(capacity).toBe(100);
    expect(items.every((item) => Number.isInteger(item) && item >= 1 && item <= 100)).toBe(true);
    // P(x ≤ s) = 1 - exp(-((s + ½) / 45)³)
    for (const size of [10, 30, 45, 60]) expect(share(size)).toBeCloseTo(1 - Math.exp(-(((size + 0.5) / 45) ** 3)), 2);
  });

  test('uniform sizes are whole and each as likely as the other', () => {
    const { items, capacity } = uniform(81_000, randomFrom(2));
    expect(capacity).toBe(150);
    expect([Math.min(...items), Math.max(...items)]).toEqual([20, 100]);
    expect(items.filter((item) => item === 20).length / 1_000).toBeCloseTo(1, 0);
    expect(items.filter((item) => item === 100).length / 1_000).toBeCloseTo(1, 0);
  });

  test('follow from the generator alone, and no two draws are alike', () => {
    expect(evaluation.sample('test', randomFrom(3))).toEqual(evaluation.sample('test', randomFrom(3)));
    expect(evaluation.sample('test', randomFrom(3))).not.toEqual(evaluation.sample('test', randomFrom(4)));
  });
});

describe('evaluation', () => {
  test('scores best fit as the literature does', () => {
    const excess = [1, 2, 3, 4].map((seed) => evaluation.inside!(evaluation.sample('selection', randomFrom(seed)), { priority: bestFit }));
    const mean = excess.reduce((sum, value) => sum + value, 0) / excess.length;
    expect(mean).toBeGreaterThan(3.8);
    expect(mean).toBeLessThan(4.4);
  });

  test('gives the same score inside and outside, to the last digit', () => {
    for (const seed of [1, 2, 3]) {
      const sample = evaluation.sample('test', randomFrom(seed));
      const outside = score(sample, plainBestFit(sample.capacity));
      expect(outside.score).toBe(evaluation.inside!(sample, { priority: bestFit }));
      expect(outside.detail).toEqual({
        family: 'weibull',
        items: 5_000,
        bins: binsUsed(sample.items, 100, bestFit),
        lowerBound: lowerBound(sample.items, 100),
      });
    }
  });

  test('reports the uniform family besides, on which best fit has about 5 %', () => {
    const task = evaluation.reported!['uniform 1k']!;
    const excess = [1, 2, 3, 4].map((seed) => {
      const sample = task.sample(randomFrom(seed));
      expect([sample.family, sample.capacity, sample.items.length]).toEqual(['uniform', 150, 1_000]);
      return score(sample, plainBestFit(sample.capacity), task).score;
    });
    const mean = excess.reduce((sum, value) => sum + value, 0) / excess.length;
    expect(mean).toBeGreaterThan(4);
    expect(mean).toBeLessThan(6);
  });

  test('counts bins over the lower bound in per cent of it', () => {
    expect(lowerBound([60, 60, 60, 30], 100)).toBe(3);
    expect(excessPercent(4, [60, 60, 60, 30], 100)).toBeCloseTo(33.333, 3);
    expect(excessPercent(3, [60, 60, 60, 30], 100)).toBe(0);
  });

  test.each<[string, Placement, RegExp]>([
    ['a gap', { bin: 1, opened: true }, /numbered without gaps, 0 are open/],
    ['a negative index', { bin: -1, opened: false }, /without gaps/],
    ['half a bin', { bin: 0.5, opened: true }, /without gaps/],
    ['NaN', { bin: Number.NaN, opened: true }, /without gaps/],
    ['a bin that was never opened', { bin: 0, opened: false }, /it was never opened/],
  ])('refuses %s', (_name, placement, message) => {
    const sample = evaluation.sample('test', randomFrom(5));
    expect(() => score(sample, () => placement)).toThrow(message);
  });

  test('refuses an overfull bin and one that is opened twice', () => {
    const { place, fills } = ledger(100);
    place(60, { bin: 0, opened: true });
    expect(() => place(41, { bin: 0, opened: false })).toThrow('item 2 (size 41) went to bin 0: it would hold 101 of 100');
    expect(() => place(40, { bin: 0, opened: true })).toThrow('it was open already');
    expect(fills).toEqual([60]);
  });
});
