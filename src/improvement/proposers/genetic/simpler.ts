// Versions of a genome that are easier to read: tidied, and with every node in turn giving way to one of its operands.
import { condense, tidy } from './condense.ts';
import { nodeAt, replaceAt, sameExpression, type Expression } from './expression.ts';
import { individual, type Genome, type Individual } from './individual.ts';
import type { ParameterRange } from './interval.ts';

/** Smallest first, without repetitions; each has one function changed. */
export function simplerVariants(genome: Genome, functions: readonly (readonly ParameterRange[])[]): Individual[] {
  const variants = genome.flatMap((tree, index) =>
    simplerTrees(tree, functions[index]!).map((simpler) => individual(genome.with(index, simpler))),
  );
  return variants.toSorted((a, b) => a.size - b.size);
}

function simplerTrees(tree: Expression, parameters: readonly ParameterRange[]): Expression[] {
  const found: Expression[] = [];
  const add = (simpler: Expression, largest: number): void => {
    if (simpler.size > largest || [tree, ...found].some((other) => sameExpression(other, simpler))) return;
    found.push(simpler);
  };
  // Of two trees of the same size the tidier one is easier to read.
  add(tidy(tree, parameters), tree.size);
  for (let position = 0; position < tree.size; position++) {
    const node = nodeAt(tree, position);
    if (node.kind !== 'apply') continue;
    for (const operand of node.operands) add(condense(replaceAt(tree, position, operand), parameters), tree.size - 1);
  }
  return found;
}

/** The tree with all constants alike: what two candidates share when they differ in numbers only. */
export function shape(tree: Expression): string {
  if (tree.kind === 'constant') return '0';
  if (tree.kind === 'parameter') return `#${tree.index}`;
  return `${tree.operator}(${tree.operands.map(shape).join()})`;
}
