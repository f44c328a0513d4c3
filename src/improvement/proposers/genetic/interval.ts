// Range analysis: which values an expression can take while its parameters stay in their declared ranges.
import type { Application, Expression } from './expression.ts';

/** Finite bounds promise a finite number between them for all arguments in range; otherwise nothing is known, NaN included. */
export interface Interval {
  lo: number;
  hi: number;
  /** Every value is a whole number that a double holds exactly. */
  integer: boolean;
}

/** What a rule may ask about a part of a tree. */
export type RangeLookup = (tree: Expression) => Interval;

/** One declared parameter of an evolvable function. */
export interface ParameterRange {
  name: string;
  min: number;
  max: number;
  integer: boolean;
}

const UNKNOWN: Interval = { lo: -Infinity, hi: Infinity, integer: false };
/** exp and log are not rounded correctly: their bounds are moved out by more than their error. */
const LIBRARY_ERROR = 1e-12;

/** The range of a tree; `remembered` spares repeated work on shared parts. */
export function rangeOf(
  tree: Expression,
  parameters: readonly ParameterRange[],
  remembered: Map<Expression, Interval> = new Map(),
): Interval {
  const known = remembered.get(tree);
  if (known !== undefined) return known;
  const range = compute(tree, parameters, remembered);
  remembered.set(tree, range);
  return range;
}

export function isBounded(range: Interval): boolean {
  return range.lo > -Infinity && range.hi < Infinity;
}

/** Certain never to be zero or NaN. */
export function excludesZero(range: Interval): boolean {
  return isBounded(range) && (range.lo > 0 || range.hi < 0);
}

function compute(tree: Expression, parameters: readonly ParameterRange[], remembered: Map<Expression, Interval>): Interval {
  if (tree.kind === 'constant') return between(tree.value, tree.value, Number.isInteger(tree.value));
  if (tree.kind === 'parameter') {
    const declared = parameters[tree.index];
    return declared === undefined ? UNKNOWN : between(declared.min, declared.max, declared.integer);
  }
  const operands = tree.operands.map((operand) => rangeOf(operand, parameters, remembered));
  if (tree.operator === 'ifLess') return union(operands[2]!, operands[3]!);
  return operands.every(isBounded) ? combine(tree.operator, operands[0]!, operands[1] ?? operands[0]!) : UNKNOWN;
}

function combine(operator: Exclude<Application['operator'], 'ifLess'>, a: Interval, b: Interval): Interval {
  const whole = a.integer && b.integer;
  switch (operator) {
    case 'add':
      return between(a.lo + b.lo, a.hi + b.hi, whole);
    case 'subtract':
      return between(a.lo - b.hi, a.hi - b.lo, whole);
    case 'multiply':
      return across([a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi], whole);
    case 'divide':
      return quotient(a, b);
    case 'minimum':
      return between(Math.min(a.lo, b.lo), Math.min(a.hi, b.hi), whole);
    case 'maximum':
      return between(Math.max(a.lo, b.lo), Math.max(a.hi, b.hi), whole);
    case 'negate':
      return between(-a.hi, -a.lo, a.integer);
    case 'absolute':
      return magnitude(a);
    case 'square': {
      const size = magnitude(a);
      return between(size.lo * size.lo, size.hi * size.hi, a.integer);
    }
    case 'squareRoot': {
      const size = magnitude(a);
      return between(Math.sqrt(size.lo), Math.sqrt(size.hi), false);
    }
    case 'logarithm': {
      const size = magnitude(a);
      return between(Math.log1p(size.lo) * (1 - LIBRARY_ERROR), Math.log1p(size.hi) * (1 + LIBRARY_ERROR), false);
    }
    case 'exponential':
      return between(Math.exp(Math.min(a.lo, 20)) * (1 - LIBRARY_ERROR), Math.exp(Math.min(a.hi, 20)) * (1 + LIBRARY_ERROR), false);
  }
}

function quotient(a: Interval, b: Interval): Interval {
  if (excludesZero(b)) return across([a.lo / b.lo, a.lo / b.hi, a.hi / b.lo, a.hi / b.hi], false);
  if (!b.integer) return UNKNOWN;
  // A whole divisor is at least 1 in size, for 0 counts as 1.
  const largest = magnitude(a).hi;
  return between(-largest, largest, false);
}

function magnitude(a: Interval): Interval {
  const largest = Math.max(Math.abs(a.lo), Math.abs(a.hi));
  const smallest = a.lo > 0 ? a.lo : a.hi < 0 ? -a.hi : 0;
  return between(smallest, largest, a.integer);
}

function across(values: readonly number[], whole: boolean): Interval {
  return between(Math.min(...values), Math.max(...values), whole);
}

function union(a: Interval, b: Interval): Interval {
  return between(Math.min(a.lo, b.lo), Math.max(a.hi, b.hi), a.integer && b.integer);
}

function between(lo: number, hi: number, whole: boolean): Interval {
  if (!Number.isFinite(lo) || !Number.isFinite(hi)) return UNKNOWN;
  return { lo, hi, integer: whole && Math.abs(lo) <= Number.MAX_SAFE_INTEGER && Math.abs(hi) <= Number.MAX_SAFE_INTEGER };
}
