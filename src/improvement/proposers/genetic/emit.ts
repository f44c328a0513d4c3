// Writes a tree as the body of a function that a person would keep: shared parts get names, choices become early returns, lines stay short.
import type { Application, Expression } from './expression.ts';
import { isApplied, keyOf } from './expression.ts';
import { rangeOf, type Interval, type ParameterRange } from './interval.ts';
import { nameFor } from './local-name.ts';
import { isNegatable, printComparison, printDefinition, printExpression, type PrintContext } from './print.ts';

/** Longest line, indentation included. */
const WIDTH = 100;
/** A choice inside an expression is written in place up to this size. */
const SMALL_CHOICE = 6;
const INDENT = '  ';

interface Body extends PrintContext {
  /** Key of a tree → its constant. */
  names: Map<string, { name: string; tree: Application }>;
  key(tree: Expression): string;
}

/** Statements without the braces around them, indented by two spaces, no newline at the end. */
export function emitBody(tree: Expression, parameters: readonly ParameterRange[]): string {
  const body = prepare(tree, parameters);
  for (;;) {
    const lines = block(tree, body, { indent: INDENT, declared: new Set() });
    const part = lines
      .filter((line) => line.text.length > WIDTH)
      .reduce((found: Application | undefined, line) => found ?? (line.tree && partToName(line.tree, body)), undefined);
    if (part === undefined) return lines.map((line) => line.text).join('\n');
    giveName(part, body);
  }
}

interface Line {
  text: string;
  /** What the line computes, where it can be made shorter by naming a part. */
  tree?: Expression;
}

interface Scope {
  indent: string;
  declared: ReadonlySet<string>;
}

function prepare(tree: Expression, parameters: readonly ParameterRange[]): Body {
  const keys = new Map<Expression, string>();
  const ranges = new Map<Expression, Interval>();
  const body: Body = {
    parameterNames: parameters.map((parameter) => parameter.name),
    names: new Map(),
    range: (part) => rangeOf(part, parameters, ranges),
    key: (part) => keyOf(part, keys),
    nameOf: (part) => body.names.get(body.key(part))?.name,
  };
  nameSharedParts(tree, body);
  return body;
}

/** Statements that end in a return. */
function block(tree: Expression, body: Body, scope: Scope): Line[] {
  if (!isChoice(tree, body)) {
    const lines = declarations([tree], body, scope);
    return [...lines.lines, { text: `${scope.indent}return ${printExpression(tree, body)};`, tree }];
  }
  const [a, b, whenLess, otherwise] = tree.operands as [Expression, Expression, Expression, Expression];
  // The simpler branch returns first; the other goes on without being indented.
  const turn = isChoice(whenLess, body) && !isChoice(otherwise, body) && isNegatable(a, b, body);
  const [early, rest] = turn ? [otherwise, whenLess] : [whenLess, otherwise];
  const shared = namesIn([early], body).filter((key) => namesIn([rest], body).includes(key));
  const before = declarations([a, b, ...shared.map((key) => body.names.get(key)!.tree)], body, scope);
  const after: Scope = { ...scope, declared: before.declared };
  const test: Line = { text: `${scope.indent}if (${printComparison(a, b, body, turn)})`, tree };
  return [...before.lines, ...branch(early, test, body, after), ...block(rest, body, after)];
}

function branch(tree: Expression, test: Line, body: Body, scope: Scope): Line[] {
  const inner = block(tree, body, { ...scope, indent: scope.indent + INDENT });
  const only = inner.length === 1 ? inner[0]! : undefined;
  if (only !== undefined) {
    const text = `${test.text} ${only.text.trimStart()}`;
    if (text.length <= WIDTH) return [{ text }];
  }
  return [{ text: `${test.text} {`, tree: test.tree! }, ...inner, { text: `${scope.indent}}` }];
}

/** Constants that the trees need and the scope does not have yet, innermost first. */
function declarations(trees: readonly Expression[], body: Body, scope: Scope): { lines: Line[]; declared: ReadonlySet<string> } {
  const lines: Line[] = [];
  const declared = new Set(scope.declared);
  for (const key of namesIn(trees, body)) {
    if (declared.has(key)) continue;
    declared.add(key);
    const { name, tree } = body.names.get(key)!;
    lines.push({ text: `${scope.indent}const ${name} = ${printDefinition(tree, body)};`, tree });
  }
  return { lines, declared };
}

/** Keys of the named parts in trees, each after those it is made of. */
function namesIn(trees: readonly Expression[], body: Body): string[] {
  const found = new Set<string>();
  const visit = (tree: Expression): void => {
    if (tree.kind !== 'apply') return;
    const key = body.key(tree);
    if (found.has(key)) return;
    for (const operand of tree.operands) visit(operand);
    if (body.names.has(key)) found.add(key);
  };
  for (const tree of trees) visit(tree);
  return [...found];
}

/** A choice that becomes an `if` where it stands as a whole statement. */
function isChoice(tree: Expression, body: Body): tree is Application & { readonly operator: 'ifLess' } {
  return isApplied(tree, 'ifLess') && body.nameOf(tree) === undefined;
}

/** Names what is used twice, what is squared, and choices inside choices or too large to stand inside an expression. */
function nameSharedParts(root: Expression, body: Body): void {
  const uses = new Map<string, number>();
  const visit = (tree: Expression, place: 'statement' | 'choice' | 'expression'): void => {
    if (tree.kind !== 'apply') return;
    const key = body.key(tree);
    const count = (uses.get(key) ?? 0) + 1;
    uses.set(key, count);
    const plainSign = tree.operator === 'negate' && tree.size === 2;
    if (count === 2 && !plainSign) giveName(tree, body);
    if (count > 1) return;
    if (tree.operator === 'square' && tree.operands[0]!.kind === 'apply') giveName(tree.operands[0]!, body);
    const choice = tree.operator === 'ifLess';
    if (choice && (place === 'choice' || (place === 'expression' && tree.size > SMALL_CHOICE))) giveName(tree, body);
    tree.operands.forEach((operand, index) => {
      const branch = choice && index >= 2;
      visit(operand, !choice ? 'expression' : branch && place === 'statement' ? 'statement' : 'choice');
    });
  };
  visit(root, 'statement');
}

/** The part of an overlong line that is nearest to half of it. */
function partToName(tree: Expression, body: Body): Application | undefined {
  const statement = isChoice(tree, body);
  const roots = statement ? tree.operands.slice(0, 2) : tree.kind === 'apply' ? tree.operands : [];
  const target = roots.reduce((size, root) => size + root.size, 0) / 2;
  let nearest: Application | undefined;
  const visit = (part: Expression): void => {
    if (part.kind !== 'apply' || body.nameOf(part) !== undefined) return;
    if (part.operator !== 'negate' && (nearest === undefined || Math.abs(part.size - target) < Math.abs(nearest.size - target)))
      nearest = part;
    for (const operand of part.operands) visit(operand);
  };
  for (const root of roots) visit(root);
  return nearest;
}

function giveName(tree: Application, body: Body): void {
  const key = body.key(tree);
  if (body.names.has(key)) return;
  const taken = new Set([...body.parameterNames, ...[...body.names.values()].map((named) => named.name)]);
  body.names.set(key, { name: nameFor(tree, body.parameterNames, taken), tree });
}
