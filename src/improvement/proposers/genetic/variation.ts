// How one tree becomes another: crossover, mutations from a single constant to a whole branch, and their mix.
import { below, pick } from './draw.ts';
import { apply, countConstants, mapConstants, nodeAt, parameter, replaceAt, type Expression } from './expression.ts';
import { jitter, randomConstant, randomLeaf, randomThreshold, randomTree, type Breeder } from './material.ts';
import { OPERATORS, type OperatorName } from './operators.ts';

export const VARIATIONS = {
  crossover,
  tuning: tuneConstants,
  subtree: replaceSubtree,
  point: changePoint,
  rule: addRule,
  growth: growNode,
  hoist,
} as const satisfies Record<string, (tree: Expression, mate: Expression, breeder: Breeder) => Expression>;

export type VariationName = keyof typeof VARIATIONS;

export const VARIATION_NAMES = Object.keys(VARIATIONS) as VariationName[];

/** How often each is drawn, unless what it brings says otherwise. */
export const VARIATION_WEIGHTS: Readonly<Record<VariationName, number>> = {
  crossover: 0.25,
  tuning: 0.22,
  subtree: 0.15,
  point: 0.1,
  rule: 0.1,
  growth: 0.1,
  hoist: 0.08,
};

const GROWTHS: readonly OperatorName[] = ['add', 'subtract', 'multiply', 'divide', 'minimum', 'maximum', 'absolute', 'square'];
const BY_ARITY = Map.groupBy(Object.keys(OPERATORS) as OperatorName[], (operator): number => OPERATORS[operator].arity);

/** A child of a tree by one variation; `mate` is asked for only where two parents are needed. */
export function vary(tree: Expression, { name, mate, ...breeder }: Breeder & { name: VariationName; mate: () => Expression }): Expression {
  return name === 'crossover' ? crossover(tree, mate(), breeder) : VARIATIONS[name](tree, tree, breeder);
}

/** A branch of the mate in place of one of the tree's. */
function crossover(tree: Expression, mate: Expression, { random }: Breeder): Expression {
  return replaceAt(tree, below(tree.size, random), nodeAt(mate, below(mate.size, random)));
}

function replaceSubtree(tree: Expression, _mate: Expression, breeder: Breeder): Expression {
  return replaceAt(tree, below(tree.size, breeder.random), randomTree(breeder, 3));
}

/** Another node of the same kind in its place. */
function changePoint(tree: Expression, _mate: Expression, breeder: Breeder): Expression {
  const { random, parameters } = breeder;
  const position = below(tree.size, random);
  const node = nodeAt(tree, position);
  if (node.kind === 'parameter') return replaceAt(tree, position, randomLeaf(breeder));
  if (node.kind === 'constant') {
    const next = random() < 0.8 ? { ...node, value: jitter(node.value, breeder) } : parameter(below(parameters.length, random));
    return replaceAt(tree, position, next);
  }
  if (node.operator === 'ifLess') {
    const [a, b, whenLess, otherwise] = node.operands as [Expression, Expression, Expression, Expression];
    return replaceAt(tree, position, apply('ifLess', a, b, otherwise, whenLess));
  }
  const others = (BY_ARITY.get(node.operands.length) ?? []).filter((operator) => operator !== node.operator);
  return replaceAt(tree, position, apply(pick(others, random), ...node.operands));
}

/** One constant moved, sometimes a few more with it. */
function tuneConstants(tree: Expression, mate: Expression, breeder: Breeder): Expression {
  const count = countConstants(tree);
  if (count === 0) return changePoint(tree, mate, breeder);
  const chosen = below(count, breeder.random);
  const alongside = breeder.random() < 0.3 ? 2 / count : 0;
  let index = 0;
  return mapConstants(tree, (value) => (index++ === chosen || breeder.random() < alongside ? jitter(value, breeder) : value));
}

/** A node gives way to one of its operands. */
function hoist(tree: Expression, mate: Expression, breeder: Breeder): Expression {
  const position = below(tree.size, breeder.random);
  const node = nodeAt(tree, position);
  return node.kind === 'apply' ? replaceAt(tree, position, pick(node.operands, breeder.random)) : changePoint(tree, mate, breeder);
}

/** An exception in front of what was there: `a < b ? new : old`. */
function addRule(tree: Expression, _mate: Expression, breeder: Breeder): Expression {
  const { random } = breeder;
  const subject = random() < 0.6 ? randomLeaf(breeder) : randomTree(breeder, 2);
  const threshold = random() < 0.75 ? randomConstant(breeder) : randomThreshold(breeder);
  const position = random() < 0.6 ? 0 : below(tree.size, random);
  const node = nodeAt(tree, position);
  const exception = randomTree(breeder, 3);
  const [whenLess, otherwise] = random() < 0.5 ? [exception, node] : [node, exception];
  return replaceAt(tree, position, apply('ifLess', subject, threshold, whenLess, otherwise));
}

/** A node becomes an operand of a new one. */
function growNode(tree: Expression, _mate: Expression, breeder: Breeder): Expression {
  const { random } = breeder;
  const position = below(tree.size, random);
  const node = nodeAt(tree, position);
  const operator = pick(GROWTHS, random);
  if (OPERATORS[operator].arity === 1) return replaceAt(tree, position, apply(operator, node));
  const other = randomLeaf(breeder);
  return replaceAt(tree, position, random() < 0.5 ? apply(operator, node, other) : apply(operator, other, node));
}
