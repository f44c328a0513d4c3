// What a tree does, told by its values on a fixed grid of arguments: two that agree there are the same candidate.
import { randomFrom } from '../../random.ts';
import type { Expression } from './expression.ts';
import type { ParameterRange } from './interval.ts';
import { OPERATORS } from './operators.ts';

/** One column of argument values for each parameter. */
export type Grid = readonly Float64Array[];

const POINTS = 256;

/** Half anywhere in the ranges, half where two parameters are close to each other: there heuristics differ. */
export function argumentGrid(parameters: readonly ParameterRange[]): Grid {
  const random = randomFrom(0, 'argument grid');
  const grid = parameters.map(() => new Float64Array(POINTS));
  for (let point = 0; point < POINTS; point++) {
    const leader = point % parameters.length;
    const close = point % 2 === 0;
    const lead = within(parameters[leader]!, random());
    parameters.forEach((range, index) => {
      const width = Math.abs(range.max - range.min);
      const near = lead + (random() - 0.5) * 0.3 * width;
      const free = within(range, random());
      const value = index === leader ? lead : close ? Math.min(range.max, Math.max(range.min, near)) : free;
      grid[index]![point] = range.integer ? Math.round(value) : value;
    });
  }
  return grid;
}

/** A number for the behaviour of several trees together (53 bits). Differences below single precision do not count. */
export function fingerprint(trees: readonly Expression[], grids: readonly Grid[]): number {
  let high = 0x811c9dc5;
  let low = 0x2545f491;
  trees.forEach((tree, index) => {
    const values = new Float32Array(valuesOn(tree, grids[index]!));
    for (const bits of new Uint32Array(values.buffer)) {
      const canonical = bits === 0x80000000 ? 0 : bits;
      high = Math.imul(high ^ canonical, 0x01000193);
      low = Math.imul(low ^ canonical, 0x85ebca6b) ^ (low >>> 13);
    }
  });
  return (high >>> 0) * 0x20_0000 + (low >>> 11);
}

/** The tree's values at all points. */
export function valuesOn(tree: Expression, grid: Grid): Float64Array {
  const count = grid[0]?.length ?? POINTS;
  if (tree.kind === 'constant') return new Float64Array(count).fill(tree.value);
  if (tree.kind === 'parameter') return grid[tree.index]!;
  const [a, b, c, d] = tree.operands.map((operand) => valuesOn(operand, grid));
  const compute: (...operands: number[]) => number = OPERATORS[tree.operator].compute;
  const values = new Float64Array(count);
  if (b === undefined) for (let point = 0; point < count; point++) values[point] = compute(a![point]!);
  else if (c === undefined) for (let point = 0; point < count; point++) values[point] = compute(a![point]!, b[point]!);
  else for (let point = 0; point < count; point++) values[point] = compute(a![point]!, b[point]!, c[point]!, d![point]!);
  return values;
}

function within(range: ParameterRange, share: number): number {
  const value = range.min + share * (range.max - range.min);
  return range.integer ? Math.round(value) : value;
}
