// The rules of the policy, one node at a time.
import type { AnyNode, Expression, Identifier, PrivateIdentifier, Super } from 'acorn';

export interface ForbiddenUse {
  rule: string;
  message: string;
  /** The global that is used, if the script does not declare one of that name itself. */
  name?: string;
}

const CODE_FROM_TEXT = new Set(['eval', 'Function']);
/** Globals of Node and browsers, with what to use instead. */
const ABSENT: Readonly<Record<string, string>> = {
  process: 'there is no process: what the agent may know is in ctx',
  require: 'there is no require: use an import statement',
  module: 'there is no module object: use export',
  Buffer: 'there is no Buffer: use Uint8Array, TextEncoder and TextDecoder',
  setTimeout: 'there are no timers: a call runs to its end',
  setInterval: 'there are no timers: a call runs to its end',
  setImmediate: 'there are no timers: a call runs to its end',
  fetch: 'there is no network',
  XMLHttpRequest: 'there is no network',
  WebSocket: 'there is no network',
  crypto: 'there is no crypto; randomness is Math.random() or ctx.random()',
  performance: 'there is no performance clock; time is Date.now() or ctx.now()',
  WebAssembly: 'there is no WebAssembly',
  SharedArrayBuffer: 'there is no shared memory',
  Atomics: 'there is no shared memory',
  WeakRef: 'there are no weak references',
  FinalizationRegistry: 'there are no finalizers',
};
const GLOBAL_OBJECTS = new Set(['globalThis', 'global', 'self', 'window']);
/** Built-in objects whose prototypes all calls share. */
const SHARED_PROTOTYPES = new Set([
  'Object',
  'Array',
  'Function',
  'String',
  'Number',
  'Boolean',
  'Promise',
  'Map',
  'Set',
  'Date',
  'RegExp',
  'Error',
  'Symbol',
]);

/** What a node does that a script must not do, or null. */
export function forbiddenUse(node: AnyNode, parent: AnyNode | null): ForbiddenUse | null {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
      return { rule: 'import', message: 'a built script imports nothing' };
    case 'ImportExpression':
      return { rule: 'dynamic-import', message: 'import() does not exist in an isolate' };
    case 'MetaProperty':
      return node.meta.name === 'import' ? { rule: 'import-meta', message: 'import.meta does not exist in an isolate' } : null;
    case 'DebuggerStatement':
      return { rule: 'debugger', message: 'nobody debugs in an isolate: remove the debugger statement' };
    case 'WithStatement':
      return { rule: 'with', message: 'a with statement hides which name is meant' };
    case 'Identifier':
      return isReference(node, parent) ? globalUse(node.name) : null;
    case 'MemberExpression':
      return memberUse(node.object, memberName(node.property, node.computed), parent, node);
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return memberName(node.key, node.computed) === '__proto__' ? PROTO : null;
    default:
      return null;
  }
}

/** Whether the identifier introduces a name. */
export function isBinding(node: Identifier, parent: AnyNode | null): boolean {
  switch (parent?.type) {
    case 'VariableDeclarator':
      return parent.id === node;
    case 'FunctionDeclaration':
    case 'FunctionExpression':
      return parent.id === node || (parent.params as AnyNode[]).includes(node);
    case 'ArrowFunctionExpression':
      return (parent.params as AnyNode[]).includes(node);
    case 'ClassDeclaration':
    case 'ClassExpression':
      return parent.id === node;
    case 'CatchClause':
      return parent.param === node;
    case 'AssignmentPattern':
      return parent.left === node;
    case 'RestElement':
    case 'ArrayPattern':
      return true;
    case 'Property':
      // In a pattern or a literal alike: `{ process }` as a literal reads a global, and is let pass as if it were a pattern.
      return parent.value === node;
    default:
      return false;
  }
}

const PROTO: ForbiddenUse = { rule: 'prototype', message: '__proto__ changes what an object is: use Object.create() or a Map' };

function globalUse(name: string): ForbiddenUse | null {
  if (CODE_FROM_TEXT.has(name)) return { rule: 'eval', message: `${name} makes code from text`, name };
  const message = Object.hasOwn(ABSENT, name) ? ABSENT[name] : undefined;
  return message === undefined ? null : { rule: 'absent', message: `${name}: ${message}`, name };
}

function memberUse(object: Expression | Super, name: string | null, parent: AnyNode | null, node: AnyNode): ForbiddenUse | null {
  if (name === null) return null;
  if (name === '__proto__') return PROTO;
  if (object.type === 'Identifier' && GLOBAL_OBJECTS.has(object.name)) return globalUse(name);
  if (object.type === 'Identifier' && object.name === 'Error' && name === 'prepareStackTrace') {
    return { rule: 'prototype', message: 'Error.prepareStackTrace is fixed in an isolate' };
  }
  if (name === 'constructor') {
    const chained = object.type === 'MemberExpression' && memberName(object.property, object.computed) === 'constructor';
    const called = parent?.type === 'CallExpression' && parent.callee === node && object.type !== 'Super';
    if (chained || called) return { rule: 'eval', message: 'a function of a constructor makes code from text' };
  }
  const changes = parent?.type === 'AssignmentExpression' && parent.left === node;
  const owner =
    changes && object.type === 'MemberExpression' && memberName(object.property, object.computed) === 'prototype' ? object.object : null;
  if (owner?.type !== 'Identifier' || !SHARED_PROTOTYPES.has(owner.name)) return null;
  return { rule: 'prototype', message: `it changes ${owner.name}.prototype for every call of this version`, name: owner.name };
}

/** The member's name where the script says it; null where it is computed. */
function memberName(key: Expression | PrivateIdentifier, computed: boolean): string | null {
  if (key.type === 'Identifier') return computed ? null : key.name;
  if (key.type === 'Literal') return String(key.value);
  if (key.type === 'TemplateLiteral' && key.expressions.length === 0) return key.quasis[0]?.value.cooked ?? null;
  return null;
}

/** Whether the identifier reads a variable, rather than naming a member or asking whether a global exists. */
function isReference(node: Identifier, parent: AnyNode | null): boolean {
  switch (parent?.type) {
    case 'MemberExpression':
      return parent.object === node || parent.computed;
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return parent.value === node || (parent.computed && parent.key === node);
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
      return false;
    case 'UnaryExpression':
      return parent.operator !== 'typeof';
    default:
      return true;
  }
}
