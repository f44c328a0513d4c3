// Simplification up to rounding: constants of one sum or product are merged, and terms that cancel go.
// A result may differ in its last digits, so a condensed tree is scored again before it counts.
import { apply, constant, isApplied, mapConstants, sameExpression, type Application, type Expression } from './expression.ts';
import { excludesZero, rangeOf, type Interval, type ParameterRange, type RangeLookup } from './interval.ts';
import { rewrite, simplify, type Rule } from './simplify.ts';

const RULES: readonly Rule[] = [mergeAddends, mergeFactors, cancel];
const SIGNIFICANT_DIGITS = 3;
/** Condensing can open new exact simplifications, and they new merges; what has not settled by then is left. */
const MAX_ROUNDS = 4;

/** The simplest tree this module can find, with constants as a person would write them. */
export function condense(tree: Expression, parameters: readonly ParameterRange[]): Expression {
  let current = simplify(tree, parameters);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const remembered = new Map<Expression, Interval>();
    const merged = rewrite(current, RULES, (part) => rangeOf(part, parameters, remembered));
    const next = simplify(mapConstants(merged, shortNumber), parameters);
    if (sameExpression(next, current)) break;
    current = next;
  }
  return current;
}

/** Three significant digits; whole from 10 on. */
export function shortNumber(value: number): number {
  const rounded = Math.abs(value) >= 10 ? Math.round(value) : value;
  return Number(rounded.toPrecision(SIGNIFICANT_DIGITS));
}

/** (x + 1) + 2 → x + 3, 5 - (x + 2) → 3 - x and their like. */
function mergeAddends(node: Application): Expression {
  const [a, b] = node.operands as [Expression, Expression];
  if (node.operator === 'add' || node.operator === 'subtract') {
    const sign = node.operator === 'add' ? 1 : -1;
    if (b.kind === 'constant') {
      const left = addend(a);
      if (left !== undefined) return shifted(left.rest, left.sign, left.value + sign * b.value);
    }
    if (a.kind === 'constant') {
      const right = addend(b);
      if (right !== undefined) return shifted(right.rest, (sign * right.sign) as 1 | -1, a.value + sign * right.value);
    }
  }
  return node;
}

/** A sum with one constant in it as `value + sign × rest`. */
function addend(tree: Expression): { rest: Expression; sign: 1 | -1; value: number } | undefined {
  if (!isApplied(tree, 'add') && !isApplied(tree, 'subtract')) return undefined;
  const [a, b] = tree.operands as [Expression, Expression];
  const sign = tree.operator === 'add' ? 1 : -1;
  if (b.kind === 'constant') return { rest: a, sign: 1, value: sign * b.value };
  if (a.kind === 'constant') return { rest: b, sign, value: a.value };
  return undefined;
}

function shifted(rest: Expression, sign: 1 | -1, value: number): Expression {
  return sign === 1 ? apply('add', rest, constant(value)) : apply('subtract', constant(value), rest);
}

/** 2 × (3 × x) → 6 × x, (x / 2) / 3 → x / 6 and their like. */
function mergeFactors(node: Application, range: RangeLookup): Expression {
  const [a, b] = node.operands as [Expression, Expression];
  if (node.operator === 'multiply' && a.kind === 'constant') {
    const inner = factor(b);
    if (inner !== undefined) return scaled(inner, a.value);
    if (isApplied(b, 'divide') && b.operands[0]!.kind === 'constant') {
      return apply('divide', constant(a.value * b.operands[0]!.value), b.operands[1]!);
    }
  }
  if (node.operator === 'divide' && b.kind === 'constant' && b.value !== 0) {
    const inner = factor(a);
    if (inner !== undefined) return scaled(inner, 1 / b.value);
  }
  if (node.operator === 'divide' && a.kind === 'constant') {
    const inner = factor(b);
    if (inner !== undefined && inner.value !== 0 && excludesZero(range(inner.rest))) {
      return apply('divide', constant(a.value / inner.value), inner.rest);
    }
  }
  return node;
}

/** A product with one constant in it as `value × rest`. */
function factor(tree: Expression): { rest: Expression; value: number } | undefined {
  if (!isApplied(tree, 'multiply') && !isApplied(tree, 'divide')) return undefined;
  const [a, b] = tree.operands as [Expression, Expression];
  if (tree.operator === 'multiply' && a.kind === 'constant') return { rest: b, value: a.value };
  if (tree.operator === 'divide' && b.kind === 'constant' && b.value !== 0) return { rest: a, value: 1 / b.value };
  return undefined;
}

/** Below 1 as a division by a number above 1: `x / 3` says more than `0.333 * x`. */
function scaled(inner: { rest: Expression; value: number }, by: number): Expression {
  const value = inner.value * by;
  const inverse = 1 / value;
  const shorter = String(shortNumber(inverse)).length < String(shortNumber(value)).length;
  return Math.abs(value) < 1 && value !== 0 && shorter
    ? apply('divide', inner.rest, constant(inverse))
    : apply('multiply', constant(value), inner.rest);
}

/** (x + y) - y → x and its like. */
function cancel(node: Application): Expression {
  const [a, b] = node.operands as [Expression, Expression];
  if (node.operator === 'subtract') {
    if (isApplied(a, 'add') && sameExpression(a.operands[1]!, b)) return a.operands[0]!;
    if (isApplied(a, 'add') && sameExpression(a.operands[0]!, b)) return a.operands[1]!;
    if (isApplied(a, 'subtract') && sameExpression(a.operands[0]!, b)) return apply('negate', a.operands[1]!);
    if (isApplied(b, 'subtract') && sameExpression(b.operands[0]!, a)) return b.operands[1]!;
    if (isApplied(b, 'add') && sameExpression(b.operands[0]!, a)) return apply('negate', b.operands[1]!);
    if (isApplied(b, 'add') && sameExpression(b.operands[1]!, a)) return apply('negate', b.operands[0]!);
  }
  if (node.operator === 'add') {
    if (isApplied(a, 'subtract') && sameExpression(a.operands[1]!, b)) return a.operands[0]!;
    if (isApplied(b, 'subtract') && sameExpression(b.operands[1]!, a)) return b.operands[0]!;
  }
  return node;
}
