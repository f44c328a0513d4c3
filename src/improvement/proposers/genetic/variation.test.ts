import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../../random.ts';
import { arbitraryTree, PARAMETERS } from './arbitrary-tree.ts';
import { apply, constant, countConstants, parameter, type Expression } from './expression.ts';
import { jitter, randomTree } from './material.ts';
import { OPERATORS } from './operators.ts';
import { vary, VARIATION_NAMES, VARIATIONS } from './variation.ts';

function breeder(seed: number) {
  return { parameters: PARAMETERS, random: randomFrom(seed, 'variation test') };
}

/** Sizes, arities, and parameters that exist. @returns the number of nodes */
function check(tree: Expression): number {
  if (tree.kind === 'parameter') expect(PARAMETERS[tree.index]).toBeDefined();
  if (tree.kind !== 'apply') return 1;
  expect(tree.operands).toHaveLength(OPERATORS[tree.operator].arity);
  const size = 1 + tree.operands.reduce((sum, operand) => sum + check(operand), 0);
  expect(tree.size).toBe(size);
  return size;
}

test.each(Object.entries(VARIATIONS))('%s makes well-formed trees and leaves its parents alone', (_name, variation) => {
  fc.assert(
    fc.property(arbitraryTree, arbitraryTree, fc.nat(), (tree, mate, seed) => {
      const before = JSON.stringify([tree, mate]);
      check(variation(tree, mate, breeder(seed)));
      expect(JSON.stringify([tree, mate])).toBe(before);
    }),
    { numRuns: 200 },
  );
});

test('tuning moves constants and nothing else', () => {
  fc.assert(
    fc.property(arbitraryTree, fc.nat(), (tree, seed) => {
      fc.pre(countConstants(tree) > 0);
      const tuned = VARIATIONS.tuning(tree, tree, breeder(seed));
      const masked = (text: string) => text.replace(/"value":[^,]*,/g, '');
      expect(masked(JSON.stringify(tuned))).toBe(masked(JSON.stringify(tree)));
    }),
    { numRuns: 200 },
  );
});

describe('draws', () => {
  test('the same seed gives the same child', () => {
    const children = [1, 1, 2].map((seed) => {
      const own = breeder(seed);
      const tree = randomTree(own, 5);
      return JSON.stringify(VARIATION_NAMES.map((name) => vary(tree, { ...own, name, mate: () => tree })));
    });
    expect(children[1]).toBe(children[0]);
    expect(children[2]).not.toBe(children[0]);
  });

  test('a mate is asked for by crossover alone', () => {
    const own = breeder(4);
    const tree = apply('add', parameter(0), constant(2));
    const asking = VARIATION_NAMES.filter((name) => {
      let isAsked = false;
      const mate = () => ((isAsked = true), tree);
      vary(tree, { ...own, name, mate });
      return isAsked;
    });
    expect(asking).toEqual(['crossover']);
  });

  test('constants stay finite and short', () => {
    const own = breeder(3);
    let value = 1;
    for (let step = 0; step < 2_000; step++) {
      value = jitter(value, own);
      expect(Number.isFinite(value)).toBe(true);
      expect(String(value).length).toBeLessThanOrEqual(10);
    }
  });
});
