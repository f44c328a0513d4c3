import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryArguments, arbitraryTree, PARAMETERS, sameNumber } from './arbitrary-tree.ts';
import { apply, constant, evaluate, parameter, sameExpression, type Expression } from './expression.ts';
import { rangeOf } from './interval.ts';
import { simplify } from './simplify.ts';

const [item, residual, share] = [parameter(0), parameter(1), parameter(2)];
const number = constant;

describe('simplify', () => {
  test('changes no result', () => {
    fc.assert(
      fc.property(arbitraryTree, arbitraryArguments, (tree, rows) => {
        const simple = simplify(tree, PARAMETERS);
        for (const row of rows) expect(sameNumber(evaluate(simple, row), evaluate(tree, row)), `${row.join()}`).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test('never makes a tree larger, and has nothing left to do on its own result', () => {
    fc.assert(
      fc.property(arbitraryTree, (tree) => {
        const simple = simplify(tree, PARAMETERS);
        expect(simple.size).toBeLessThanOrEqual(tree.size);
        expect(sameExpression(simplify(simple, PARAMETERS), simple)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each<[string, Expression, Expression]>([
    ['folds constants', apply('add', number(2), apply('square', number(3))), number(11)],
    ['x + 0', apply('add', item, number(0)), item],
    ['x * 1', apply('multiply', item, number(1)), item],
    ['x - x', apply('subtract', item, item), number(0)],
    ['x / x, which is never 0 / 0', apply('divide', item, item), number(1)],
    ['-(a - b)', apply('negate', apply('subtract', item, residual)), apply('subtract', residual, item)],
    ['a - -b', apply('subtract', item, apply('negate', residual)), apply('add', item, residual)],
    ['a + -3', apply('add', item, number(-3)), apply('subtract', item, number(3))],
    ['a * a', apply('multiply', item, item), apply('square', item)],
    ['|item|, which is never negative', apply('absolute', item), item],
    ['min(item, 200), which is never 200', apply('minimum', item, number(200)), item],
    ['a comparison that its ranges decide', apply('ifLess', item, number(0), residual, share), share],
    [
      'a - b < 0',
      apply('ifLess', apply('subtract', item, residual), number(0), number(1), number(2)),
      apply('ifLess', item, residual, number(1), number(2)),
    ],
    [
      'a comparison that the one above it decides',
      apply('ifLess', item, number(5), apply('ifLess', item, number(9), residual, share), number(1)),
      apply('ifLess', item, number(5), residual, number(1)),
    ],
    [
      'a minus that the branches take',
      apply('negate', apply('ifLess', item, number(5), number(2), residual)),
      apply('ifLess', item, number(5), number(-2), apply('negate', residual)),
    ],
  ])('%s', (_name, tree, expected) => {
    expect(simplify(tree, PARAMETERS)).toEqual(expected);
  });

  test('keeps x - x and x * 0 where x may be infinite', () => {
    const tree = apply('square', apply('square', apply('square', apply('exponential', apply('multiply', item, item)))));
    const huge = [1, 2, 3, 4, 5, 6].reduce<Expression>((inner) => apply('square', inner), tree);
    expect(evaluate(simplify(apply('subtract', huge, huge), PARAMETERS), [100, 1, 0])).toBeNaN();
    expect(evaluate(simplify(apply('multiply', number(0), huge), PARAMETERS), [100, 1, 0])).toBeNaN();
  });
});

describe('rangeOf', () => {
  test('holds every value', () => {
    fc.assert(
      fc.property(arbitraryTree, arbitraryArguments, (tree, rows) => {
        const range = rangeOf(tree, PARAMETERS);
        if (range.lo === -Infinity) return;
        for (const row of rows) {
          const value = evaluate(tree, row);
          expect(value).toBeGreaterThanOrEqual(range.lo);
          expect(value).toBeLessThanOrEqual(range.hi);
          if (range.integer) expect(Number.isInteger(value)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('knows that a whole divisor which may be 0 is still at least 1 in size', () => {
    expect(rangeOf(apply('divide', item, residual), PARAMETERS)).toEqual({ lo: -100, hi: 100, integer: false });
    expect(rangeOf(apply('divide', item, share), PARAMETERS).hi).toBe(Infinity);
  });
});
