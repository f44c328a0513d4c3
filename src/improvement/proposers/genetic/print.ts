// Writes an expression as TypeScript: parentheses only where they are needed or where a formatter would put them, guards only where the ranges ask for them.
import { type Application, type Expression } from './expression.ts';
import { excludesZero, isBounded, type RangeLookup } from './interval.ts';

export interface PrintContext {
  parameterNames: readonly string[];
  range: RangeLookup;
  /** The constant that stands for a tree, if it has been given one. */
  nameOf(tree: Expression): string | undefined;
}

/** How tightly the outermost operator of a text binds. */
const TERNARY = 1;
const COMPARISON = 3;
const SUM = 4;
const PRODUCT = 5;
const UNARY = 6;
const PRIMARY = 7;

interface Printed {
  text: string;
  binding: number;
  /** Outermost operator where one binding has several: `+ - * /`. */
  sign?: string;
}

export function printExpression(tree: Expression, context: PrintContext): string {
  return print(tree, context).text;
}

/** The definition of a tree that has a name. */
export function printDefinition(tree: Application, context: PrintContext): string {
  return printApplication(tree, context).text;
}

/** `a < b`, with a lone constant on the right; `negated` only where neither side can be NaN. */
export function printComparison(a: Expression, b: Expression, context: PrintContext, negated = false): string {
  const turned = a.kind === 'constant' && b.kind !== 'constant';
  const sign = turned ? (negated ? '<=' : '>') : negated ? '>=' : '<';
  const [left, right] = turned ? [b, a] : [a, b];
  return `${bound(print(left, context), SUM)} ${sign} ${bound(print(right, context), SUM)}`;
}

/** Whether `a < b` may be turned into `a >= b` with the branches exchanged. */
export function isNegatable(a: Expression, b: Expression, context: PrintContext): boolean {
  return isBounded(context.range(a)) && isBounded(context.range(b));
}

function print(tree: Expression, context: PrintContext): Printed {
  if (tree.kind === 'constant') return { text: printNumber(tree.value), binding: tree.value < 0 ? UNARY : PRIMARY };
  if (tree.kind === 'parameter') return { text: context.parameterNames[tree.index] ?? 'NaN', binding: PRIMARY };
  const name = context.nameOf(tree);
  return name === undefined ? printApplication(tree, context) : { text: name, binding: PRIMARY };
}

function printApplication(tree: Application, context: PrintContext): Printed {
  const [a, b] = tree.operands as [Expression, Expression];
  const first = print(a, context);
  switch (tree.operator) {
    case 'add':
      return binary(first, '+', print(b, context));
    case 'subtract':
      return binary(first, '-', print(b, context));
    case 'multiply':
      return binary(first, '*', print(b, context));
    case 'divide':
      return binary(first, '/', divisor(b, context));
    case 'square':
      return binary(first, '*', first);
    case 'negate':
      return { text: `-${bound(first, PRIMARY)}`, binding: UNARY };
    case 'minimum':
      return call('min', first.text, print(b, context).text);
    case 'maximum':
      return call('max', first.text, print(b, context).text);
    case 'absolute':
      return call('abs', first.text);
    case 'squareRoot':
      return call('sqrt', isNotNegative(a, context) ? first.text : `Math.abs(${first.text})`);
    case 'logarithm':
      return call('log1p', isNotNegative(a, context) ? first.text : `Math.abs(${first.text})`);
    case 'exponential':
      return call('exp', isAtMost20(a, context) ? first.text : `Math.min(${first.text}, 20)`);
    case 'ifLess': {
      const [whenLess, otherwise] = [print(tree.operands[2]!, context), print(tree.operands[3]!, context)];
      return { text: `${printComparison(a, b, context)} ? ${bound(whenLess, COMPARISON)} : ${otherwise.text}`, binding: TERNARY };
    }
  }
}

/** Left-associative; a formatter keeps `a * b * c` and `a - b + c` as they are, and sets `(a * b) / c` apart. */
function binary(left: Printed, sign: '+' | '-' | '*' | '/', right: Printed): Printed {
  const binding = sign === '+' || sign === '-' ? SUM : PRODUCT;
  const apart = binding === PRODUCT && left.binding === PRODUCT && left.sign !== sign;
  const leftText = apart ? `(${left.text})` : bound(left, binding);
  return { text: `${leftText} ${sign} ${bound(right, binding + 1)}`, binding, sign };
}

function divisor(tree: Expression, context: PrintContext): Printed {
  const printed = print(tree, context);
  if (excludesZero(context.range(tree))) return printed;
  return { text: `${bound(printed, COMPARISON)} || 1`, binding: 0 };
}

function call(name: string, ...operands: readonly string[]): Printed {
  return { text: `Math.${name}(${operands.join(', ')})`, binding: PRIMARY };
}

function bound(printed: Printed, atLeast: number): string {
  return printed.binding < atLeast ? `(${printed.text})` : printed.text;
}

function isNotNegative(tree: Expression, context: PrintContext): boolean {
  const range = context.range(tree);
  return isBounded(range) && range.lo >= 0;
}

function isAtMost20(tree: Expression, context: PrintContext): boolean {
  const range = context.range(tree);
  return isBounded(range) && range.hi <= 20;
}

/** The shortest text that reads back as the same double. */
function printNumber(value: number): string {
  return String(value === 0 ? 0 : value);
}
