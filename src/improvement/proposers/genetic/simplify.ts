// Simplification that changes no result: the tree computes the same number for all arguments in range (0 and -0 count as one).
import { apply, constant, evaluate, type Application, type Expression } from './expression.ts';
import { rangeOf, type Interval, type ParameterRange, type RangeLookup } from './interval.ts';
import { simplifyArithmetic } from './simplify-arithmetic.ts';
import { simplifyChoice } from './simplify-choice.ts';

/** One step on a node whose operands are simple already; the node itself when no rule fits. */
export type Rule = (node: Application, range: RangeLookup) => Expression;

const RULES: readonly Rule[] = [foldConstants, simplifyArithmetic, simplifyChoice];
/** Each step shrinks or reorders; no honest tree needs more. */
const MAX_STEPS = 12;

export function simplify(tree: Expression, parameters: readonly ParameterRange[]): Expression {
  const remembered = new Map<Expression, Interval>();
  return rewrite(tree, RULES, (part) => rangeOf(part, parameters, remembered));
}

/** Applies rules from the leaves up until none fits. */
export function rewrite(tree: Expression, rules: readonly Rule[], range: RangeLookup): Expression {
  if (tree.kind !== 'apply') return tree;
  const operands = tree.operands.map((operand) => rewrite(operand, rules, range));
  let node: Expression = operands.every((operand, index) => operand === tree.operands[index]) ? tree : apply(tree.operator, ...operands);
  for (let step = 0; step < MAX_STEPS && node.kind === 'apply'; step++) {
    const next = firstChange(node, rules, range);
    if (next === node) break;
    // A rule may have put new parts under the new node: those get their own turn.
    node = next.kind === 'apply' ? apply(next.operator, ...next.operands.map((operand) => settle(operand, rules, range))) : next;
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

function settle(operand: Expression, rules: readonly Rule[], range: RangeLookup): Expression {
  return operand.kind === 'apply' && firstChange(operand, rules, range) !== operand ? rewrite(operand, rules, range) : operand;
}

function foldConstants(node: Application): Expression {
  if (!node.operands.every((operand) => operand.kind === 'constant')) return node;
  const value = evaluate(node, []);
  return Number.isFinite(value) ? constant(value === 0 ? 0 : value) : node;
}
