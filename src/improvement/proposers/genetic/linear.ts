// Sums in their shortest form: x - (y - (x - 1)) → 2 * x - y - 1.
import { apply, constant, isApplied, keyOf, sameExpression, type Application, type Expression } from './expression.ts';

/** `value` plus each tree times its coefficient, in order of appearance. */
interface Sum {
  terms: Map<string, { tree: Expression; coefficient: number }>;
  value: number;
}

/** The sum collected and written anew, where that is not longer. Equal up to rounding. */
export function collectTerms(node: Application): Expression {
  if (node.operator !== 'add' && node.operator !== 'subtract') return node;
  const sum: Sum = { terms: new Map(), value: 0 };
  collect(node, 1, sum);
  const written = write(sum);
  return written.size > node.size || sameExpression(written, node) ? node : written;
}

/** A product with one constant in it as `value * rest`. */
export function factorOf(tree: Expression): { rest: Expression; value: number } | undefined {
  if (!isApplied(tree, 'multiply') && !isApplied(tree, 'divide')) return undefined;
  const [a, b] = tree.operands as [Expression, Expression];
  if (tree.operator === 'multiply' && a.kind === 'constant') return { rest: b, value: a.value };
  if (tree.operator === 'divide' && b.kind === 'constant' && b.value !== 0) return { rest: a, value: 1 / b.value };
  return undefined;
}

/** `rest` times a number, as a division where that is the shorter text: `x / 3` says more than `0.333 * x`. */
export function scaled(rest: Expression, value: number): Expression {
  if (value === 1) return rest;
  const inverse = 1 / value;
  const shorter = String(Number(inverse.toPrecision(3))).length < String(Number(value.toPrecision(3))).length;
  return Math.abs(value) < 1 && shorter ? apply('divide', rest, constant(inverse)) : apply('multiply', constant(value), rest);
}

function collect(tree: Expression, coefficient: number, sum: Sum): void {
  if (tree.kind === 'constant') {
    sum.value += coefficient * tree.value;
    return;
  }
  if (isApplied(tree, 'add') || isApplied(tree, 'subtract')) {
    collect(tree.operands[0]!, coefficient, sum);
    collect(tree.operands[1]!, tree.operator === 'add' ? coefficient : -coefficient, sum);
    return;
  }
  if (isApplied(tree, 'negate')) return collect(tree.operands[0]!, -coefficient, sum);
  const factor = factorOf(tree);
  if (factor !== undefined) return collect(factor.rest, coefficient * factor.value, sum);
  const key = keyOf(tree);
  const known = sum.terms.get(key);
  sum.terms.set(key, { tree, coefficient: (known?.coefficient ?? 0) + coefficient });
}

/** What is added, then what is taken away, then the constant; a factor that all terms share stands in front of them. */
function write({ terms, value }: Sum): Expression {
  const present = [...terms.values()].filter(({ coefficient }) => coefficient !== 0);
  const share = Math.abs(present[0]?.coefficient ?? 1);
  const shared = present.length > 1 && present.every(({ coefficient }) => Math.abs(coefficient) === share);
  const inner = shared ? share : 1;
  const added = present.filter(({ coefficient }) => coefficient > 0).map(({ tree, coefficient }) => scaled(tree, coefficient / inner));
  const taken = present.filter(({ coefficient }) => coefficient < 0).map(({ tree, coefficient }) => scaled(tree, -coefficient / inner));
  const lead = value > 0 && added.length === 0 && inner === 1;
  if (lead) added.push(constant(value));
  const sum = difference(added, taken);
  if (sum === undefined) return constant(value);
  const whole = scaled(sum, inner);
  return lead || value === 0 ? whole : value > 0 ? apply('add', whole, constant(value)) : apply('subtract', whole, constant(-value));
}

function difference(added: readonly Expression[], taken: readonly Expression[]): Expression | undefined {
  const [first, ...more] = added;
  if (first === undefined) {
    const all = taken.slice(1).reduce((left, right) => apply('add', left, right), taken[0]!);
    return taken.length === 0 ? undefined : apply('negate', all);
  }
  const positive = more.reduce((left, right) => apply('add', left, right), first);
  return taken.reduce((left, right) => apply('subtract', left, right), positive);
}
