// Typed expression trees over numbers: the material that is bred. Immutable; parts are shared freely.
import { OPERATORS, type OperatorName } from './operators.ts';

export type Expression = Constant | Parameter | Application;

export interface Constant {
  readonly kind: 'constant';
  readonly value: number;
  readonly size: 1;
  readonly depth: 1;
}

export interface Parameter {
  readonly kind: 'parameter';
  /** Position among the function's parameters. */
  readonly index: number;
  readonly size: 1;
  readonly depth: 1;
}

export interface Application {
  readonly kind: 'apply';
  readonly operator: OperatorName;
  readonly operands: readonly Expression[];
  /** Nodes in the tree, shared parts counted each time. */
  readonly size: number;
  readonly depth: number;
}

export function constant(value: number): Constant {
  return { kind: 'constant', value, size: 1, depth: 1 };
}

export function parameter(index: number): Parameter {
  return { kind: 'parameter', index, size: 1, depth: 1 };
}

export function apply(operator: OperatorName, ...operands: readonly Expression[]): Application {
  let size = 1;
  let depth = 0;
  for (const operand of operands) {
    size += operand.size;
    depth = Math.max(depth, operand.depth);
  }
  return { kind: 'apply', operator, operands, size, depth: depth + 1 };
}

export function isApplied<Name extends OperatorName>(tree: Expression, operator: Name): tree is Application & { readonly operator: Name } {
  return tree.kind === 'apply' && tree.operator === operator;
}

export function isConstant(tree: Expression, value: number): boolean {
  return tree.kind === 'constant' && tree.value === value;
}

/** The node at a position in depth-first order; 0 is the tree itself. */
export function nodeAt(tree: Expression, position: number): Expression {
  let at = position;
  let node = tree;
  while (at > 0 && node.kind === 'apply') {
    at -= 1;
    for (const operand of node.operands) {
      if (at < operand.size) {
        node = operand;
        break;
      }
      at -= operand.size;
    }
  }
  return node;
}

/** The tree with the node at a position (depth-first order) replaced. */
export function replaceAt(tree: Expression, position: number, replacement: Expression): Expression {
  if (position === 0 || tree.kind !== 'apply') return replacement;
  let at = position - 1;
  const operands = tree.operands.map((operand) => {
    const inside = at >= 0 && at < operand.size;
    const next = inside ? replaceAt(operand, at, replacement) : operand;
    at -= operand.size;
    return next;
  });
  return apply(tree.operator, ...operands);
}

/** The tree with every constant passed through `change`, in depth-first order. */
export function mapConstants(tree: Expression, change: (value: number) => number): Expression {
  if (tree.kind === 'constant') return constant(change(tree.value));
  if (tree.kind === 'parameter') return tree;
  return apply(tree.operator, ...tree.operands.map((operand) => mapConstants(operand, change)));
}

export function countConstants(tree: Expression): number {
  if (tree.kind !== 'apply') return tree.kind === 'constant' ? 1 : 0;
  let count = 0;
  for (const operand of tree.operands) count += countConstants(operand);
  return count;
}

export function evaluate(tree: Expression, values: readonly number[]): number {
  if (tree.kind === 'constant') return tree.value;
  if (tree.kind === 'parameter') return values[tree.index] ?? Number.NaN;
  const compute: (...operands: number[]) => number = OPERATORS[tree.operator].compute;
  return compute(...tree.operands.map((operand) => evaluate(operand, values)));
}

export function sameExpression(a: Expression, b: Expression): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  if (a.kind === 'constant') return b.kind === 'constant' && Object.is(a.value, b.value);
  if (a.kind === 'parameter') return b.kind === 'parameter' && a.index === b.index;
  return (
    b.kind === 'apply' && a.operator === b.operator && a.operands.every((operand, index) => sameExpression(operand, b.operands[index]!))
  );
}

/** The same text for trees that are alike. */
export function keyOf(tree: Expression, known: Map<Expression, string> = new Map()): string {
  if (tree.kind === 'constant') return String(tree.value);
  if (tree.kind === 'parameter') return `#${tree.index}`;
  let key = known.get(tree);
  if (key === undefined) {
    key = `${tree.operator}(${tree.operands.map((operand) => keyOf(operand, known)).join()})`;
    known.set(tree, key);
  }
  return key;
}
