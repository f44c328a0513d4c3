// Simplification that may change last digits, so that its result is scored before it counts: constants are shortened while
// breeding; for people's eyes sums are collected and the constants of a product merged too.
import { apply, constant, isApplied, mapConstants, sameExpression, type Application, type Expression } from './expression.ts';
import { collectTerms, factorOf, scaled } from './linear.ts';
import { excludesZero, rangeOf, type Interval, type ParameterRange, type RangeLookup } from './interval.ts';
import { rewrite, simplify, type Rule } from './simplify.ts';

const TIDY_RULES: readonly Rule[] = [collectTerms, mergeFactors];
const SIGNIFICANT_DIGITS = 3;
/** One pass can open the next; what has not settled by then is left. */
const MAX_ROUNDS = 4;

/** Exactly simplified, with constants as a person would write them. Keeps the detours that evolution builds on. */
export function condense(tree: Expression, parameters: readonly ParameterRange[]): Expression {
  return settled(tree, (current) => simplify(mapConstants(simplify(current, parameters), shortNumber), parameters));
}

/** The shortest tree that this module can find. */
export function tidy(tree: Expression, parameters: readonly ParameterRange[]): Expression {
  return settled(condense(tree, parameters), (current) => {
    const remembered = new Map<Expression, Interval>();
    const merged = rewrite(current, TIDY_RULES, (part) => rangeOf(part, parameters, remembered));
    return condense(merged, parameters);
  });
}

function settled(tree: Expression, step: (tree: Expression) => Expression): Expression {
  let current = tree;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = step(current);
    if (sameExpression(next, current)) return next;
    current = next;
  }
  return current;
}

/** Three significant digits; whole from 10 on. */
export function shortNumber(value: number): number {
  const rounded = Math.abs(value) >= 10 ? Math.round(value) : value;
  return Number(rounded.toPrecision(SIGNIFICANT_DIGITS));
}

/** 2 × (3 × x) → 6 × x, (x / 2) / 3 → x / 6 and their like. */
function mergeFactors(node: Application, range: RangeLookup): Expression {
  const [a, b] = node.operands as [Expression, Expression];
  if (node.operator === 'multiply' && a.kind === 'constant') {
    const inner = factorOf(b);
    if (inner !== undefined) return scaled(inner.rest, a.value * inner.value);
    if (isApplied(b, 'divide') && b.operands[0]!.kind === 'constant') {
      return apply('divide', constant(a.value * b.operands[0]!.value), b.operands[1]!);
    }
  }
  if (node.operator === 'divide' && b.kind === 'constant' && b.value !== 0) {
    const inner = factorOf(a);
    if (inner !== undefined) return scaled(inner.rest, inner.value / b.value);
  }
  if (node.operator === 'divide' && a.kind === 'constant') {
    const inner = factorOf(b);
    if (inner !== undefined && inner.value !== 0 && excludesZero(range(inner.rest))) {
      return apply('divide', constant(a.value / inner.value), inner.rest);
    }
  }
  return node;
}
