// Rules for `a < b ? c : d`: decided comparisons, branches that can not be reached, and comparisons with zero.
import { apply, isApplied, isConstant, sameExpression, type Application, type Expression } from './expression.ts';
import { isBounded, type RangeLookup } from './interval.ts';

export function simplifyChoice(node: Application, range: RangeLookup): Expression {
  if (node.operator !== 'ifLess') return node;
  const [a, b, whenLess, otherwise] = node.operands as [Expression, Expression, Expression, Expression];
  if (sameExpression(whenLess, otherwise)) return whenLess;
  if (sameExpression(a, b)) return otherwise;
  const [left, right] = [range(a), range(b)];
  if (isBounded(left) && isBounded(right)) {
    if (left.hi < right.lo) return whenLess;
    if (left.lo >= right.hi) return otherwise;
  }
  if (isConstant(b, 0) && isApplied(a, 'subtract')) return apply('ifLess', a.operands[0]!, a.operands[1]!, whenLess, otherwise);
  if (isConstant(a, 0) && isApplied(b, 'subtract')) return apply('ifLess', b.operands[1]!, b.operands[0]!, whenLess, otherwise);
  if (isApplied(a, 'negate') && isApplied(b, 'negate')) return apply('ifLess', b.operands[0]!, a.operands[0]!, whenLess, otherwise);
  const reached = apply('ifLess', a, b, assume(whenLess, a, b, true), assume(otherwise, a, b, false));
  return sameExpression(reached, node) ? node : reached;
}

/** The branch with every inner choice decided that the comparison above it already decides. */
function assume(branch: Expression, a: Expression, b: Expression, less: boolean): Expression {
  if (branch.kind !== 'apply') return branch;
  if (branch.operator === 'ifLess') {
    const [innerA, innerB, whenLess, otherwise] = branch.operands as [Expression, Expression, Expression, Expression];
    const known = implied({ a, b, less }, innerA, innerB);
    if (known !== undefined) return assume(known ? whenLess : otherwise, a, b, less);
  }
  const operands = branch.operands.map((operand) => assume(operand, a, b, less));
  return operands.every((operand, index) => operand === branch.operands[index]) ? branch : apply(branch.operator, ...operands);
}

/** Whether innerA < innerB, as far as a comparison that is known to hold (or not) says. */
function implied(known: { a: Expression; b: Expression; less: boolean }, innerA: Expression, innerB: Expression): boolean | undefined {
  const { a, b, less } = known;
  if (sameExpression(a, innerA) && atLeast(innerB, b) && less) return true;
  if (sameExpression(a, innerA) && atLeast(b, innerB) && !less) return false;
  if (sameExpression(b, innerB) && atLeast(a, innerA) && less) return true;
  if (sameExpression(b, innerB) && atLeast(innerA, a) && !less) return false;
  // a < b rules out b < a and b < what is below a.
  if (less && sameExpression(a, innerB) && atLeast(innerA, b)) return false;
  if (less && sameExpression(b, innerA) && atLeast(a, innerB)) return false;
  return undefined;
}

/** Certain that x ≥ y: equal expressions or two constants. */
function atLeast(x: Expression, y: Expression): boolean {
  if (x.kind === 'constant' && y.kind === 'constant') return x.value >= y.value;
  return sameExpression(x, y);
}
