// Reads the body of a function back into a tree, where it is made of nothing but what trees can say.
import {
  parse,
  type CallExpression,
  type Expression as Syntax,
  type IfStatement,
  type PrivateIdentifier,
  type SpreadElement,
  type Statement,
  type Super,
} from 'acorn';
import { apply, constant, isApplied, isConstant, parameter, sameExpression, type Expression } from './expression.ts';
import { excludesZero, isBounded, rangeOf, type Interval, type ParameterRange, type RangeLookup } from './interval.ts';

/** Constants are put in where they are used: a body that names much can become a tree too large to breed. */
const MAX_SIZE = 400;

/**
 * The tree that computes what the body computes for all arguments in range.
 * `undefined` where the body is outside the grammar: loops, other functions, type annotations, divisions that could meet a 0.
 */
export function parseBody(body: string, parameters: readonly ParameterRange[]): Expression | undefined {
  try {
    const program = parse(`function evolved() {${body}\n}`, { ecmaVersion: 'latest' });
    const declaration = program.body[0];
    if (declaration?.type !== 'FunctionDeclaration' || program.body.length !== 1) return undefined;
    const names = new Map<string, Expression>(parameters.map(({ name }, index) => [name, parameter(index)]));
    const ranges = new Map<Expression, Interval>();
    return statements(declaration.body.body, { names, range: (tree) => rangeOf(tree, parameters, ranges) });
  } catch (error) {
    if (error instanceof OutsideGrammar || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

class OutsideGrammar extends Error {}

interface Scope {
  names: ReadonlyMap<string, Expression>;
  range: RangeLookup;
}

/** A condition as what it makes of two branches. */
type Choose = (whenTrue: Expression, whenFalse: Expression) => Expression;

const BINARY = { '+': 'add', '-': 'subtract', '*': 'multiply' } as const;
const CALLS = { abs: 'absolute', sqrt: 'squareRoot', log1p: 'logarithm', exp: 'exponential' } as const;

function statements(list: readonly Statement[], scope: Scope): Expression {
  const [first, ...rest] = list;
  switch (first?.type) {
    case 'ReturnStatement':
      return sized(expression(required(first.argument), scope));
    case 'BlockStatement':
      return statements([...first.body, ...rest], scope);
    case 'IfStatement':
      return ifStatement(first, rest, scope);
    case 'VariableDeclaration': {
      const names = new Map(scope.names);
      for (const { id, init } of first.declarations) {
        if (id.type !== 'Identifier') throw new OutsideGrammar();
        names.set(id.name, sized(expression(required(init), { ...scope, names })));
      }
      return statements(rest, { ...scope, names });
    }
    default:
      throw new OutsideGrammar();
  }
}

/** Only branches that return: what goes on behind an `if` belongs to its other branch. */
function ifStatement(statement: IfStatement, rest: readonly Statement[], scope: Scope): Expression {
  const choose = condition(statement.test, scope);
  const whenTrue = statements([statement.consequent], scope);
  const whenFalse = statements(statement.alternate ? [statement.alternate, ...rest] : rest, scope);
  return sized(choose(whenTrue, whenFalse));
}

function expression(syntax: Syntax | PrivateIdentifier | SpreadElement | Super, scope: Scope): Expression {
  switch (syntax.type) {
    case 'Literal':
      if (typeof syntax.value !== 'number') throw new OutsideGrammar();
      return constant(syntax.value);
    case 'Identifier':
      return required(scope.names.get(syntax.name));
    case 'ParenthesizedExpression':
      return expression(syntax.expression, scope);
    case 'UnaryExpression': {
      const operand = expression(syntax.argument, scope);
      if (syntax.operator === '+') return operand;
      if (syntax.operator !== '-') throw new OutsideGrammar();
      return operand.kind === 'constant' ? constant(-operand.value) : apply('negate', operand);
    }
    case 'BinaryExpression': {
      const left = expression(syntax.left, scope);
      if (syntax.operator === '/') return apply('divide', left, divisor(syntax.right, scope));
      const right = expression(syntax.right, scope);
      if (syntax.operator === '*' && sameExpression(left, right)) return apply('square', left);
      if (syntax.operator === '**' && isConstant(right, 2)) return apply('square', left);
      return apply(required(BINARY[syntax.operator as keyof typeof BINARY]), left, right);
    }
    case 'ConditionalExpression': {
      const choose = condition(syntax.test, scope);
      return choose(expression(syntax.consequent, scope), expression(syntax.alternate, scope));
    }
    case 'CallExpression':
      return call(syntax, scope);
    default:
      throw new OutsideGrammar();
  }
}

/** `x || 1`, or what can not be 0. */
function divisor(syntax: Syntax, scope: Scope): Expression {
  if (syntax.type === 'LogicalExpression' && syntax.operator === '||' && syntax.right.type === 'Literal' && syntax.right.value === 1) {
    return expression(syntax.left, scope);
  }
  const divisor = expression(syntax, scope);
  if (!excludesZero(scope.range(divisor))) throw new OutsideGrammar();
  return divisor;
}

function call(syntax: CallExpression, scope: Scope): Expression {
  const { callee } = syntax;
  if (callee.type !== 'MemberExpression' || callee.computed || callee.property.type !== 'Identifier') throw new OutsideGrammar();
  if (callee.object.type !== 'Identifier' || callee.object.name !== 'Math' || scope.names.has('Math')) throw new OutsideGrammar();
  const operands = syntax.arguments.map((argument) => expression(argument, scope));
  const name = callee.property.name;
  const first = required(operands[0]);
  if (name === 'min' || name === 'max') {
    return operands.slice(1).reduce((left, right) => apply(name === 'min' ? 'minimum' : 'maximum', left, right), first);
  }
  if (!Object.hasOwn(CALLS, name)) throw new OutsideGrammar();
  const operator = CALLS[name as keyof typeof CALLS];
  if (operands.length !== 1) throw new OutsideGrammar();
  if (operator === 'squareRoot' || operator === 'logarithm') {
    if (isApplied(first, 'absolute')) return apply(operator, first.operands[0]!);
    if (!(isBounded(scope.range(first)) && scope.range(first).lo >= 0)) throw new OutsideGrammar();
  }
  if (operator === 'exponential') {
    if (isApplied(first, 'minimum') && isConstant(first.operands[1]!, 20)) return apply(operator, first.operands[0]!);
    if (!(isBounded(scope.range(first)) && scope.range(first).hi <= 20)) throw new OutsideGrammar();
  }
  return apply(operator, first);
}

function condition(syntax: Syntax, scope: Scope): Choose {
  if (syntax.type === 'ParenthesizedExpression') return condition(syntax.expression, scope);
  if (syntax.type === 'UnaryExpression' && syntax.operator === '!') {
    const inner = condition(syntax.argument, scope);
    return (whenTrue, whenFalse) => inner(whenFalse, whenTrue);
  }
  if (syntax.type === 'LogicalExpression' && syntax.operator !== '??') {
    const [left, right] = [condition(syntax.left, scope), condition(syntax.right, scope)];
    return syntax.operator === '&&'
      ? (whenTrue, whenFalse) => left(right(whenTrue, whenFalse), whenFalse)
      : (whenTrue, whenFalse) => left(whenTrue, right(whenTrue, whenFalse));
  }
  if (syntax.type !== 'BinaryExpression') throw new OutsideGrammar();
  return comparison(syntax.operator, [expression(syntax.left, scope), expression(syntax.right, scope)], scope.range);
}

function comparison(operator: string, [a, b]: readonly [Expression, Expression], range: RangeLookup): Choose {
  const less: Choose = (whenTrue, whenFalse) => apply('ifLess', a, b, whenTrue, whenFalse);
  const more: Choose = (whenTrue, whenFalse) => apply('ifLess', b, a, whenTrue, whenFalse);
  if (operator === '<') return less;
  if (operator === '>') return more;
  // The rest is said through `<`, which NaN would tell apart.
  if (!isBounded(range(a)) || !isBounded(range(b))) throw new OutsideGrammar();
  if (operator === '>=') return (whenTrue, whenFalse) => less(whenFalse, whenTrue);
  if (operator === '<=') return (whenTrue, whenFalse) => more(whenFalse, whenTrue);
  if (operator === '===') return (whenTrue, whenFalse) => less(whenFalse, more(whenFalse, whenTrue));
  if (operator === '!==') return (whenTrue, whenFalse) => less(whenTrue, more(whenTrue, whenFalse));
  throw new OutsideGrammar();
}

function sized(tree: Expression): Expression {
  if (tree.size > MAX_SIZE) throw new OutsideGrammar();
  return tree;
}

function required<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new OutsideGrammar();
  return value;
}
