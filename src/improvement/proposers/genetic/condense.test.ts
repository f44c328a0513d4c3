import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { arbitraryArguments, arbitraryTree, PARAMETERS } from './arbitrary-tree.ts';
import { condense, shortNumber, tidy } from './condense.ts';
import { apply, constant, evaluate, parameter, type Expression } from './expression.ts';
import { collectTerms } from './linear.ts';

const [item, residual, share] = [parameter(0), parameter(1), parameter(2)];
const number = constant;

/** Sums and products only: nothing in them jumps, so rounding stays rounding. */
const smooth = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Expression>(item, residual, share, number(2), number(-3), number(0.5)),
    ...(['add', 'subtract', 'multiply'] as const).map((operator) =>
      fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => apply(operator, a, b)),
    ),
    tie('tree').map((tree) => apply('negate', tree)),
    tie('tree').map((tree) => apply('divide', tree, number(3))),
  ),
})).tree;

/** The largest number that comes up on the way: what rounding is relative to. */
function magnitude(tree: Expression, row: readonly number[]): number {
  const own = Math.abs(evaluate(tree, row));
  return tree.kind === 'apply' ? Math.max(own, ...tree.operands.map((operand) => magnitude(operand, row))) : own;
}

describe('collectTerms', () => {
  test('is equal up to rounding, and never longer', () => {
    fc.assert(
      fc.property(smooth, arbitraryArguments, (tree, rows) => {
        if (tree.kind !== 'apply') return;
        const collected = collectTerms(tree);
        expect(collected.size).toBeLessThanOrEqual(tree.size);
        for (const row of rows) {
          const tolerance = 1e-9 * (1 + magnitude(tree, row));
          expect(Math.abs(evaluate(collected, row) - evaluate(tree, row))).toBeLessThanOrEqual(tolerance);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('condense and tidy', () => {
  test('settle: a second time changes nothing in size', () => {
    fc.assert(
      fc.property(arbitraryTree, (tree) => {
        expect(condense(tree, PARAMETERS).size).toBeLessThanOrEqual(tree.size);
        expect(tidy(tree, PARAMETERS).size).toBeLessThanOrEqual(condense(tree, PARAMETERS).size);
      }),
      { numRuns: 500 },
    );
  });

  test.each<[string, Expression, Expression]>([
    ['(x + 1) + 2', apply('add', apply('add', item, number(1)), number(2)), apply('add', item, number(3))],
    [
      'x - (y - (x - 1))',
      apply('subtract', item, apply('subtract', residual, apply('subtract', item, number(1)))),
      apply('subtract', apply('subtract', apply('multiply', number(2), item), residual), number(1)),
    ],
    [
      'a - b + a - b',
      apply('subtract', apply('add', apply('subtract', item, residual), item), residual),
      apply('multiply', number(2), apply('subtract', item, residual)),
    ],
    ['(x + y) - y', apply('subtract', apply('add', item, residual), residual), item],
    ['2 * (3 * x)', apply('multiply', number(2), apply('multiply', number(3), item)), apply('multiply', number(6), item)],
    ['(x / 2) / 3', apply('divide', apply('divide', item, number(2)), number(3)), apply('divide', item, number(6))],
    ['long constants', apply('multiply', number(2.34567), item), apply('multiply', number(2.35), item)],
  ])('tidy %s', (_name, tree, expected) => {
    expect(tidy(tree, PARAMETERS)).toEqual(expected);
  });

  test.each([
    [0.123456, 0.123],
    [3.14159, 3.14],
    [45.3, 45],
    [123456, 123000],
    [-0.0004567, -0.000457],
  ])('%d becomes %d', (value, expected) => {
    expect(shortNumber(value)).toBe(expected);
  });
});
