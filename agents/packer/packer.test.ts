import { describe, expect, test } from 'vitest';
import packer, { priority } from './agent.ts';
import evaluation from './evals/evaluation.ts';
import { uniform, weibull, type Instance } from './evals/instances.ts';
import { ledger } from './evals/ledger.ts';
import { binsUsed, excessPercent, lowerBound, type Priority } from './evals/packing.ts';

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The published skeleton, as plainly as it can be written: every bin is looked at, one fresh bin competes, first wins ties. */
function plainly({ items, capacity }: Instance, of: Priority): number {
  const residuals: number[] = [];
  for (const item of items) {
    let best = -1;
    let highest = -Infinity;
    [...residuals, capacity].forEach((residual, bin) => {
      if (residual < item) return;
      const answer = of(item, residual, capacity);
      const value = Number.isFinite(answer) ? answer : -Infinity;
      if (best === -1 || value > highest) {
        best = bin;
        highest = value;
      }
    });
    residuals[best] = (residuals[best] ?? capacity) - item;
  }
  return residuals.length;
}

const PRIORITIES: Record<string, Priority> = {
  'best fit': priority,
  'first fit, all equal': () => 0,
  'worst fit': (item, residual) => residual - item,
  'many ties': (item, residual) => (item + residual) % 3,
  'not always a number': (item, residual) => (residual % 5 === 0 ? Number.NaN : -residual),
};

describe('the quick loop', () => {
  test.each(Object.entries(PRIORITIES))('packs with %s exactly as the published skeleton does', (_name, of) => {
    for (let seed = 1; seed <= 6; seed += 1) {
      for (const instance of [weibull(400, seeded(seed)), uniform(200, seeded(seed))]) {
        expect(binsUsed(instance.items, instance.capacity, of)).toBe(plainly(instance, of));
      }
    }
  });

  test('gives the agent as it is the score that it gets from outside, call by call', async () => {
    for (let seed = 1; seed <= 3; seed += 1) {
      const instance = evaluation.sample('validation', seeded(seed));
      expect(await fromOutside(instance)).toBe(evaluation.inside?.(instance, { priority } as never));
    }
  });
});

async function fromOutside(instance: Instance): Promise<number> {
  let state: unknown;
  const context = {
    state: { get: () => Promise.resolve(state), set: (value: unknown) => Promise.resolve(void (state = value)) },
    log: { warn: () => undefined },
  };
  const session = evaluation.session(instance);
  let step = session.next();
  while (step.done !== true) step = session.next((await packer.handle(step.value, context as never)) as never);
  return (step.value as { score: number }).score;
}

describe('the scorer', () => {
  const answers: [string, [number, unknown][]][] = [
    [
      'a bin that would be over its capacity',
      [
        [60, { bin: 0, opened: true }],
        [60, { bin: 0, opened: false }],
      ],
    ],
    ['an index that leaves a hole', [[10, { bin: 1, opened: true }]]],
    ['a bin that is not there', [[10, { bin: 0, opened: false }]]],
    [
      'a bin opened twice',
      [
        [10, { bin: 0, opened: true }],
        [10, { bin: 0, opened: true }],
      ],
    ],
    ['an index below nothing', [[10, { bin: -1, opened: false }]]],
  ];
  test.each(answers)('refuses %s', (_name, placed) => {
    const { place } = ledger(100);
    expect(() => placed.forEach(([item, answer]) => place(item, answer as never))).toThrow();
  });

  test('counts in per cent of the bins that no packing can do without', () => {
    expect(lowerBound([50, 50, 51], 100)).toBe(2);
    expect(excessPercent(3, [50, 50, 51], 100)).toBe(50);
  });
});

test('the families are drawn as published: bounds, and the mean of a Weibull of shape 3 and scale 45', () => {
  const items = weibull(50_000, seeded(9)).items;
  expect(Math.min(...items)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...items)).toBeLessThanOrEqual(100);
  expect(items.reduce((sum, item) => sum + item, 0) / items.length).toBeCloseTo(45 * 0.89298, 0);
  const even = uniform(50_000, seeded(9)).items;
  expect([Math.min(...even), Math.max(...even)]).toEqual([20, 100]);
});
