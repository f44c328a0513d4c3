// For tests: random trees and arguments over three parameters of different kinds, and bodies made callable.
import { compileFunction } from 'node:vm';
import fc from 'fast-check';
import { apply, constant, parameter, type Expression } from './expression.ts';
import type { ParameterRange } from './interval.ts';
import { OPERATORS, type OperatorName } from './operators.ts';

export const PARAMETERS: readonly ParameterRange[] = [
  { name: 'item', min: 1, max: 100, integer: true },
  { name: 'residual', min: -5, max: 50, integer: true },
  { name: 'share', min: 0, max: 1, integer: false },
];

const leaf = fc.oneof(
  fc.integer({ min: 0, max: PARAMETERS.length - 1 }).map(parameter),
  fc.constantFrom(0, 1, -1, 2, -3, 0.5, 7, 100, 1.83, -0.25).map(constant),
);

/** Trees of all operators, comparisons somewhat more often than by chance. */
export const arbitraryTree: fc.Arbitrary<Expression> = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    leaf,
    ...(['ifLess', ...Object.keys(OPERATORS)] as OperatorName[]).map((operator) =>
      fc.tuple(...Array.from({ length: OPERATORS[operator].arity }, () => tie('tree'))).map((operands) => apply(operator, ...operands)),
    ),
  ),
})).tree;

/** Several arguments in range. */
export const arbitraryArguments = fc.array(
  fc.tuple(...PARAMETERS.map(({ min, max, integer }) => (integer ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true })))),
  { minLength: 12, maxLength: 12 },
);

export function callable(body: string, names: readonly string[] = PARAMETERS.map(({ name }) => name)): (...values: number[]) => number {
  return compileFunction(body, [...names]) as (...values: number[]) => number;
}

/** 0 and -0 are one, NaN is itself. */
export function sameNumber(a: number, b: number): boolean {
  return a === b || Object.is(a, b);
}
