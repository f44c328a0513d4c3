// A named function of a TypeScript file, found without losing its place, so that an offline search can put another body in.
import { stripTypeScriptTypes } from 'node:module';
import { parse, type AnyNode, type BlockStatement, type Function as FunctionNode, type Program } from 'acorn';
import { SeedError } from '#lib/error.ts';

export interface FunctionSlot {
  name: string;
  /** Names of its parameters; the text of the pattern for a destructured one. */
  parameters: readonly string[];
  /** Offset of the character behind the opening brace, UTF-16 units. */
  bodyStart: number;
  /** Offset of the closing brace. */
  bodyEnd: number;
  /** The text between them, types included. */
  body: string;
  /** Offsets of the whole function or declaration. */
  start: number;
  end: number;
}

/**
 * Finds `function name(…) {…}`, `const name = (…) => {…}` or `const name = function (…) {…}` at the top of a module, exported
 * or not.
 * @throws SeedError `compile_failed` when the file can not be parsed, `invalid_input` when there is no such function or its
 *   arrow has no braces
 */
export function readFunction(source: string, name: string): FunctionSlot {
  const { code, program } = parseStripped(source);
  // A module that declares a name twice does not parse.
  const [slot] = program.body.flatMap((statement) => functionsNamed(statement, name));
  if (slot === undefined) throw new SeedError('invalid_input', `no function ${JSON.stringify(name.slice(0, 64))} at the top of the file`);
  if (slot.body.type !== 'BlockStatement') {
    throw new SeedError('invalid_input', `the function ${name} has no braces around its body`, { hint: 'write { return …; }' });
  }
  const body: BlockStatement = slot.body;
  return {
    name,
    parameters: slot.params.map((parameter) =>
      parameter.type === 'Identifier' ? parameter.name : code.slice(parameter.start, parameter.end),
    ),
    bodyStart: body.start + 1,
    bodyEnd: body.end - 1,
    body: source.slice(body.start + 1, body.end - 1),
    start: slot.start,
    end: slot.end,
  };
}

/**
 * The source with the function's body replaced; everything else stays to the byte.
 * @param body the text between the braces
 * @throws SeedError as `readFunction`; `compile_failed` when the result does not parse or the body breaks out of its braces
 */
export function replaceFunctionBody(source: string, name: string, body: string): string {
  const slot = readFunction(source, name);
  const replaced = source.slice(0, slot.bodyStart) + body + source.slice(slot.bodyEnd);
  const after = readFunction(replaced, name);
  if (after.bodyStart !== slot.bodyStart || after.body !== body) {
    throw new SeedError('compile_failed', `the new body of ${name} does not stay between its braces`);
  }
  return replaced;
}

function parseStripped(source: string): { code: string; program: Program } {
  try {
    // Types become blanks, so every offset holds in the TypeScript text too.
    const code = stripQuietly(source);
    if (code.length !== source.length) throw new SyntaxError('types could not be taken out without moving the code');
    return { code, program: parse(code, { ecmaVersion: 'latest', sourceType: 'module' }) };
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new SeedError('compile_failed', `the file can not be parsed: ${message}`, { cause: error });
  }
}

/** Node warns once that the function is experimental: true, pinned with Node itself, and no news to whoever runs `npm start`. */
function stripQuietly(source: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(source, { mode: 'strip' });
  } finally {
    process.emitWarning = emitWarning;
  }
}

function functionsNamed(statement: AnyNode, name: string): FunctionNode[] {
  switch (statement.type) {
    case 'ExportNamedDeclaration':
    case 'ExportDefaultDeclaration':
      return statement.declaration === null || statement.declaration === undefined ? [] : functionsNamed(statement.declaration, name);
    case 'FunctionDeclaration':
      return statement.id?.name === name ? [statement] : [];
    case 'VariableDeclaration':
      return statement.declarations.flatMap(({ id, init }) => {
        if (id.type !== 'Identifier' || id.name !== name) return [];
        return init?.type === 'ArrowFunctionExpression' || init?.type === 'FunctionExpression' ? [init] : [];
      });
    default:
      return [];
  }
}
