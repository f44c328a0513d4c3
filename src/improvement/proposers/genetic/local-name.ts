// Names for the constants in generated code: what the value is, not where it came from.
import type { Application, Expression } from './expression.ts';
import type { OperatorName } from './operators.ts';

const WORDS: Record<OperatorName, string> = {
  add: 'sum',
  subtract: 'gap',
  multiply: 'product',
  divide: 'ratio',
  minimum: 'least',
  maximum: 'most',
  negate: 'opposite',
  absolute: 'distance',
  square: 'square',
  squareRoot: 'root',
  logarithm: 'log',
  exponential: 'growth',
  ifLess: 'choice',
};

/** `gap`; where that is taken `residualGap`, after the parameter it begins with; then `gap2`. */
export function nameFor(tree: Application, parameterNames: readonly string[], taken: ReadonlySet<string>): string {
  const word = WORDS[tree.operator];
  if (!taken.has(word)) return word;
  const first = firstParameter(tree);
  const lead = first === undefined ? undefined : parameterNames[first];
  if (lead !== undefined) {
    const long = `${lead}${word[0]!.toUpperCase()}${word.slice(1)}`;
    if (!taken.has(long)) return long;
  }
  for (let number = 2; ; number++) {
    if (!taken.has(`${word}${number}`)) return `${word}${number}`;
  }
}

function firstParameter(tree: Expression): number | undefined {
  if (tree.kind === 'parameter') return tree.index;
  if (tree.kind === 'constant') return undefined;
  for (const operand of tree.operands) {
    const found = firstParameter(operand);
    if (found !== undefined) return found;
  }
  return undefined;
}
