// Raw material for trees: constants, leaves and whole random trees that suit the declared parameters.
import { below, gaussian, pick, type Random } from './draw.ts';
import { shortNumber } from './condense.ts';
import { apply, constant, parameter, type Constant, type Expression } from './expression.ts';
import type { ParameterRange } from './interval.ts';
import { OPERATORS, type OperatorName } from './operators.ts';

/** What breeding needs to know and to draw from. */
export interface Breeder {
  parameters: readonly ParameterRange[];
  random: Random;
}

/** How often each operator is drawn: rules and differences carry most good heuristics. */
const OPERATOR_WEIGHTS: readonly (readonly [OperatorName, number])[] = [
  ['add', 2],
  ['subtract', 3],
  ['multiply', 2],
  ['divide', 1.5],
  ['minimum', 0.5],
  ['maximum', 0.5],
  ['absolute', 0.5],
  ['negate', 0.3],
  ['square', 0.7],
  ['squareRoot', 0.3],
  ['logarithm', 0.3],
  ['exponential', 0.4],
  ['ifLess', 2],
];

/** Small whole numbers, values from the range of a parameter, factors near one, and now and then anything. */
export function randomConstant({ parameters, random }: Breeder): Constant {
  const { min, max } = pick(parameters, random);
  const kind = random();
  if (kind < 0.35) return constant(below(10, random));
  if (kind < 0.7) return constant(shortNumber(min + random() * (max - min)));
  if (kind < 0.85) return constant(shortNumber(random() * 2));
  return constant(shortNumber(gaussian(random) * 0.1 * Math.max(Math.abs(min), Math.abs(max))));
}

/** A constant, a parameter, or how two parameters stand to each other. */
export function randomLeaf(breeder: Breeder): Expression {
  const { parameters, random } = breeder;
  const kind = random();
  if (kind < 0.3) return randomConstant(breeder);
  const first = below(parameters.length, random);
  if (kind < 0.6 || parameters.length === 1) return parameter(first);
  const second = (first + 1 + below(parameters.length - 1, random)) % parameters.length;
  return apply(random() < 0.75 ? 'subtract' : 'divide', parameter(first), parameter(second));
}

export function randomTree(breeder: Breeder, depth: number): Expression {
  if (depth <= 1 || breeder.random() < 0.25) return randomLeaf(breeder);
  const operator = randomOperator(breeder.random);
  const below = (): Expression => randomTree(breeder, depth - 1);
  if (operator === 'ifLess') return apply(operator, randomLeaf(breeder), randomThreshold(breeder), below(), below());
  return OPERATORS[operator].arity === 1 ? apply(operator, below()) : apply(operator, below(), below());
}

/** The right side of a comparison: mostly a constant. */
export function randomThreshold(breeder: Breeder): Expression {
  return breeder.random() < 0.7 ? randomConstant(breeder) : randomLeaf(breeder);
}

/** A constant near another one: a step, a few per cent, a jump, or a new one. */
export function jitter(value: number, breeder: Breeder): number {
  const { random } = breeder;
  const kind = random();
  if (kind < 0.4) return shortNumber(value + pick([-3, -2, -1, 1, 2, 3], random));
  if (kind < 0.8) return shortNumber(value * (1 + 0.2 * gaussian(random)));
  if (kind < 0.9) return shortNumber(value * (1 + gaussian(random)));
  return randomConstant(breeder).value;
}

function randomOperator(random: Random): OperatorName {
  const total = OPERATOR_WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
  let at = random() * total;
  for (const [operator, weight] of OPERATOR_WEIGHTS) {
    at -= weight;
    if (at < 0) return operator;
  }
  return 'add';
}
