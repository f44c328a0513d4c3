// Simplification that changes no result: the tree computes the same number for all arguments in range (0 and -0 count as one).
import { apply, constant, evaluate, type Application, type Expression } from './expression.ts';
import { rangeOf, type Interval, type ParameterRange, type RangeLookup } from './interval.ts';
import { simplifyArithmetic } from './simplify-arithmetic.ts';
import { simplifyChoice } from './simplify-choice.ts';

/** One step on a node whose operands are simple already; the node itself when no rule fits. */
export type Rule = (node: Application, range: RangeLookup) => Expression;

const RULES: readonly Rule[] = [foldConstants, simplifyArithmetic, simplifyChoice];
/** Steps on one node, and passes over the tree: each makes it shorter or brings it into order, so few are ever needed. */
const MAX_STEPS = 12;
const MAX_PASSES = 20;

export function simplify(tree: Expression, parameters: readonly ParameterRange[]): Expression {
  const remembered = new Map<Expression, Interval>();
  const range: RangeLookup = (part) => rangeOf(part, parameters, remembered);
  let current = tree;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const next = rewrite(current, RULES, range);
    if (next === current) break;
    current = next;
  }
  return current;
}

/** One pass from the leaves up; the tree itself when no rule fits anywhere. */
export function rewrite(tree: Expression, rules: readonly Rule[], range: RangeLookup): Expression {
  if (tree.kind !== 'apply') return tree;
  const operands = tree.operands.map((operand) => rewrite(operand, rules, range));
  let node: Expression = operands.every((operand, index) => operand === tree.operands[index]) ? tree : apply(tree.operator, ...operands);
  for (let step = 0; step < MAX_STEPS && node.kind === 'apply'; step++) {
    const next = firstChange(node, rules, range);
    if (next === node) break;
    node = next;
  }
  return node;
}

function firstChange(node: Application, rules: readonly Rule[], range: RangeLookup): Expression {
  for (const rule of rules) {
    const next = rule(node, range);
    if (next !== node) return next;
  }
  return node;
}

function foldConstants(node: Application): Expression {
  if (!node.operands.every((operand) => operand.kind === 'constant')) return node;
  const value = evaluate(node, []);
  return Number.isFinite(value) ? constant(value === 0 ? 0 : value) : node;
}
