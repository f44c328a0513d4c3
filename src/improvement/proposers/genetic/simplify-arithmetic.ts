// Rules for sums, products and the like.
import { apply, constant, isApplied, isConstant, sameExpression, type Application, type Expression } from './expression.ts';
import { excludesZero, isBounded, type RangeLookup } from './interval.ts';

export function simplifyArithmetic(node: Application, range: RangeLookup): Expression {
  const a = node.operands[0]!;
  const b = node.operands[1] ?? a;
  switch (node.operator) {
    case 'add':
      return sum(node, a, b);
    case 'subtract':
      return difference(node, a, b, range);
    case 'multiply':
      return product(node, a, b, range);
    case 'divide':
      return quotient(node, a, b, range);
    case 'minimum':
    case 'maximum':
      return extreme(node, a, b, range);
    case 'negate':
      return negation(node, a);
    case 'absolute': {
      const bounds = range(a);
      if (isBounded(bounds) && bounds.lo >= 0) return a;
      if (isBounded(bounds) && bounds.hi <= 0) return apply('negate', a);
      if (isApplied(a, 'negate')) return apply('absolute', a.operands[0]!);
      return node;
    }
    case 'square':
    case 'squareRoot':
    case 'logarithm':
      return isApplied(a, 'negate') || isApplied(a, 'absolute') ? apply(node.operator, a.operands[0]!) : node;
    default:
      return node;
  }
}

function sum(node: Application, a: Expression, b: Expression): Expression {
  if (isConstant(a, 0)) return b;
  if (isConstant(b, 0)) return a;
  if (a.kind === 'constant') return apply('add', b, a);
  if (b.kind === 'constant' && b.value < 0) return apply('subtract', a, constant(-b.value));
  if (isApplied(b, 'negate')) return apply('subtract', a, b.operands[0]!);
  if (isApplied(a, 'negate')) return apply('subtract', b, a.operands[0]!);
  if (startsNegative(b)) return apply('subtract', a, negated(b));
  if (startsNegative(a)) return apply('subtract', b, negated(a));
  if (sameExpression(a, b)) return apply('multiply', constant(2), a);
  return node;
}

function difference(node: Application, a: Expression, b: Expression, range: RangeLookup): Expression {
  if (isConstant(b, 0)) return a;
  if (isConstant(a, 0)) return apply('negate', b);
  if (b.kind === 'constant' && b.value < 0) return apply('add', a, constant(-b.value));
  if (isApplied(b, 'negate')) return apply('add', a, b.operands[0]!);
  if (startsNegative(b)) return apply('add', a, negated(b));
  if (sameExpression(a, b) && isBounded(range(a))) return constant(0);
  return node;
}

function product(node: Application, a: Expression, b: Expression, range: RangeLookup): Expression {
  if (isConstant(a, 1)) return b;
  if (isConstant(a, -1)) return apply('negate', b);
  if (isConstant(a, 0) && isBounded(range(b))) return constant(0);
  if (b.kind === 'constant') return apply('multiply', b, a);
  if (isApplied(b, 'negate')) return a.kind === 'constant' ? apply('multiply', constant(-a.value), b.operands[0]!) : negatedProduct(node);
  if (isApplied(a, 'negate')) return negatedProduct(node);
  if (sameExpression(a, b)) return apply('square', a);
  return node;
}

/** Minus signs leave a product, where a sum can take them in. */
function negatedProduct(node: Application): Expression {
  const [a, b] = node.operands as [Expression, Expression];
  const left = isApplied(a, 'negate') ? a.operands[0]! : a;
  const right = isApplied(b, 'negate') ? b.operands[0]! : b;
  const positive = apply(node.operator, left, right);
  return (left === a) === (right === b) ? positive : apply('negate', positive);
}

function quotient(node: Application, a: Expression, b: Expression, range: RangeLookup): Expression {
  if (isConstant(b, 1) || isConstant(b, 0)) return a;
  if (isConstant(b, -1)) return apply('negate', a);
  const divisor = range(b);
  if (isConstant(a, 0) && isBounded(divisor)) return constant(0);
  if (sameExpression(a, b) && excludesZero(divisor)) return constant(1);
  if (isApplied(b, 'negate') && excludesZero(divisor)) return apply('negate', apply('divide', a, b.operands[0]!));
  if (isApplied(a, 'negate')) return apply('negate', apply('divide', a.operands[0]!, b));
  return node;
}

function extreme(node: Application, a: Expression, b: Expression, range: RangeLookup): Expression {
  if (sameExpression(a, b)) return a;
  if (a.kind === 'constant') return apply(node.operator, b, a);
  const [left, right] = [range(a), range(b)];
  if (isBounded(left) && isBounded(right)) {
    if (left.hi <= right.lo) return node.operator === 'minimum' ? a : b;
    if (left.lo >= right.hi) return node.operator === 'minimum' ? b : a;
  }
  if (isApplied(a, node.operator) && (sameExpression(a.operands[0]!, b) || sameExpression(a.operands[1]!, b))) return a;
  return node;
}

function negation(node: Application, a: Expression): Expression {
  if (isApplied(a, 'negate')) return a.operands[0]!;
  if (isApplied(a, 'subtract')) return apply('subtract', a.operands[1]!, a.operands[0]!);
  if ((isApplied(a, 'multiply') || isApplied(a, 'divide')) && a.operands[0]!.kind === 'constant') return negated(a);
  if (isApplied(a, 'ifLess') && (takesSign(a.operands[2]!) || takesSign(a.operands[3]!))) {
    const [left, right, whenLess, otherwise] = a.operands as [Expression, Expression, Expression, Expression];
    return apply('ifLess', left, right, apply('negate', whenLess), apply('negate', otherwise));
  }
  return node;
}

/** Whether a minus sign in front of the tree can be had for nothing. */
function takesSign(tree: Expression): boolean {
  if (tree.kind !== 'apply') return tree.kind === 'constant';
  if (tree.operator === 'negate' || tree.operator === 'subtract') return true;
  return (tree.operator === 'multiply' || tree.operator === 'divide') && tree.operands[0]!.kind === 'constant';
}

/** A product or quotient that starts with a negative constant. */
function startsNegative(tree: Expression): tree is Application & { readonly operator: 'multiply' | 'divide' } {
  if (!isApplied(tree, 'multiply') && !isApplied(tree, 'divide')) return false;
  const first = tree.operands[0]!;
  return first.kind === 'constant' && first.value < 0;
}

/** A product or quotient that starts with a constant, with that constant's sign turned. */
function negated(tree: Application): Expression {
  const [factor, other] = tree.operands as [Expression, Expression];
  return factor.kind === 'constant' ? apply(tree.operator, constant(-factor.value), other) : apply('negate', tree);
}
