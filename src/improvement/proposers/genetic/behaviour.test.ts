import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryTree, PARAMETERS } from './arbitrary-tree.ts';
import { argumentGrid, fingerprint, valuesOn } from './behaviour.ts';
import { apply, constant, evaluate, parameter } from './expression.ts';
import { simplify } from './simplify.ts';

const grid = argumentGrid(PARAMETERS);
const [item, residual] = [parameter(0), parameter(1)];

describe('argumentGrid', () => {
  test('stays in the declared ranges, whole where they are whole', () => {
    PARAMETERS.forEach(({ min, max, integer }, index) => {
      for (const value of grid[index]!) {
        expect(value).toBeGreaterThanOrEqual(min);
        expect(value).toBeLessThanOrEqual(max);
        if (integer) expect(Number.isInteger(value)).toBe(true);
      }
    });
  });

  test('is the same every time', () => {
    expect(argumentGrid(PARAMETERS)).toEqual(grid);
  });
});

describe('fingerprint', () => {
  test('is the same for a tree and its simplification', () => {
    fc.assert(
      fc.property(arbitraryTree, (tree) => {
        expect(fingerprint([simplify(tree, PARAMETERS)], [grid])).toBe(fingerprint([tree], [grid]));
      }),
      { numRuns: 500 },
    );
  });

  test('tells small differences apart', () => {
    const rules = [1, 2, 3, 4, 5].map((threshold) =>
      apply('ifLess', apply('subtract', residual, item), constant(threshold), item, residual),
    );
    expect(new Set(rules.map((rule) => fingerprint([rule], [grid]))).size).toBe(rules.length);
  });

  test('tells the functions of a genome apart', () => {
    expect(fingerprint([item, residual], [grid, grid])).not.toBe(fingerprint([residual, item], [grid, grid]));
  });

  test('is a whole number that is held exactly', () => {
    expect(Number.isSafeInteger(fingerprint([item], [grid]))).toBe(true);
  });
});

test('valuesOn computes what evaluate computes', () => {
  fc.assert(
    fc.property(arbitraryTree, fc.integer({ min: 0, max: 255 }), (tree, point) => {
      const row = grid.map((column) => column[point]!);
      expect(valuesOn(tree, grid)[point]).toBe(evaluate(tree, row));
    }),
    { numRuns: 500 },
  );
});
