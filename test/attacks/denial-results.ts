// Attacks through what leaves: answers and errors that are large, deep, alive, or not what they seem.
import type { Sketch } from './denial.ts';

export const ANSWERS: Readonly<Record<string, Sketch>> = {
  'huge-string': "return 'x'.repeat(2 ** 28);",
  'escaped-string': "return '\\u0000'.repeat(30_000_000);",
  surrogates: "return '\\ud800'.repeat(10_000_000);",
  'huge-array': 'return new Array(20_000_000).fill(1);',
  'huge-key': "return { ['k'.repeat(50_000_000)]: 1 };",
  'many-keys': "const one = {}; for (let i = 0; i < 500_000; i += 1) one['k' + i] = i; return one;",
  deep: 'let deep = []; for (let i = 0; i < 1e6; i += 1) deep = [deep]; return deep;',
  'deep-enough': { body: 'let deep = []; for (let i = 0; i < 4_000; i += 1) deep = [deep]; return deep;', mayAnswer: true },
  shared: 'let shared = []; for (let i = 0; i < 40; i += 1) shared = [shared, shared]; return shared;',
  cycle: 'const cycle = {}; cycle.cycle = cycle; return cycle;',
  'big-integer': 'return { n: 1n };',
  'typed-array': 'return new Uint8Array(30_000_000);',
  getter: 'return { get a() { for (;;); } };',
  'growing-getter':
    'return { get a() { return { get a() { const again = Object.getOwnPropertyDescriptor(this, "a"); return Object.defineProperty({}, "a", again); } }; } };',
  'proxy-keys': 'return new Proxy({}, { ownKeys() { for (;;); } });',
  'proxy-many-keys':
    'return new Proxy({}, { ownKeys: () => Array.from({ length: 1e7 }, (_, i) => "k" + i), getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true, value: 1 }) });',
  'proxy-array': 'return new Proxy([], { get: (target, key) => (key === "length" ? 2 ** 32 - 1 : target[key]) });',
  'proxy-type': 'return new Proxy({}, { getPrototypeOf() { for (;;); }, get(target, key) { for (;;); } });',
  'to-json-loop': 'return { toJSON() { for (;;); } };',
  'to-json-allocates': 'return { toJSON() { const kept = []; for (;;) kept.push(new Array(100_000).fill(1)); } };',
  'to-json-again': 'const again = () => ({ again: { toJSON: again } }); return { toJSON: again };',
  'to-json-big-integer': 'return { toJSON() { let x = 3n; for (;;) x = x * x; } };',
  'prototype-to-json': 'Object.prototype.toJSON = () => { for (;;); }; return {};',
  'symbol-answer': { body: 'return Symbol("x");' },
  'function-answer': { body: 'return () => 1;' },
  'boxed-loop': 'const boxed = new String("x"); boxed.toString = () => { for (;;); }; return boxed;',
  'raw-json': { body: 'return JSON.rawJSON ? { a: JSON.rawJSON("1e999999999") } : Infinity;', mayAnswer: true },
};

export const ERRORS: Readonly<Record<string, Sketch>> = {
  proxy: 'throw new Proxy({}, { get() { for (;;); } });',
  'proxy-of-error': 'throw new Proxy(new Error("x"), { get() { for (;;); }, getPrototypeOf() { for (;;); } });',
  'message-getter': 'throw { get message() { for (;;); } };',
  'stack-getter': 'const e = new Error("x"); Object.defineProperty(e, "stack", { get() { for (;;); } }); throw e;',
  'name-getter': 'throw Object.defineProperty(new Error("x"), "name", { get() { for (;;); } });',
  'code-getter': 'throw { message: "x", get code() { for (;;); } };',
  'to-string': 'throw { toString() { for (;;); } };',
  'to-string-tag': 'throw { get [Symbol.toStringTag]() { for (;;); } };',
  'allocating-getter': 'throw { get message() { const kept = []; for (;;) kept.push(new Array(100_000).fill(1)); } };',
  'big-integer-getter': 'throw { get stack() { let x = 3n; for (;;) x = x * x; } };',
  'huge-message': "throw new Error('x'.repeat(2 ** 28));",
  'huge-stack': "const e = new Error('x'); e.stack = 'y'.repeat(2 ** 28); throw e;",
  'huge-stack-lines': "const e = new Error('x'); e.stack = 'at y\\n'.repeat(20_000_000); throw e;",
  'deep-cause': 'let cause = null; for (let i = 0; i < 100_000; i += 1) cause = new Error("x", { cause }); throw cause;',
  aggregate: 'throw new AggregateError(Array.from({ length: 100_000 }, () => new Error("x")));',
  'stack-limit':
    'Error.stackTraceLimit = Infinity; const deep = (n) => { if (n === 0) throw new Error("x"); return deep(n - 1) + 1; }; deep(5_000);',
  'prepare-stack-trace': "try { Error['prepareStack' + 'Trace'] = () => { for (;;); }; } catch {} throw new Error('x');",
  'prepare-stack-trace-defined':
    "try { Object.defineProperty(Error, 'prepareStack' + 'Trace', { get() { return () => { for (;;); }; } }); } catch {} throw new Error('x');",
  'class-with-getters': 'class Odd extends Error { get message() { for (;;); } get stack() { for (;;); } } throw new Odd();',
  'rejected-with-proxy': 'await Promise.reject(new Proxy({}, { get() { for (;;); } }));',
  'to-json': 'throw Object.assign(new Error("x"), { toJSON() { for (;;); } });',
  'function-thrown': { body: 'throw Object.assign(() => 1, { get message() { for (;;); } });' },
  'symbol-thrown': { body: 'throw Symbol("x");' },
  'null-thrown': { body: 'throw null;' },
  'overflow-in-the-error':
    'throw { get message() { const deep = () => deep() + 1; return deep(); }, get stack() { const deep = () => deep() + 1; return deep(); } };',
  'patched-string': "String.prototype.slice = () => { for (;;); }; throw new Error('x');",
};

export const DEPTH: Readonly<Record<string, Sketch>> = {
  recursion: 'const deep = () => deep() + 1; return deep();',
  'json-parse': "return JSON.parse('['.repeat(200_000) + ']'.repeat(200_000));",
  'nested-objects': "return JSON.parse('{\"a\":'.repeat(100_000) + '1' + '}'.repeat(100_000));",
  'pattern-depth': "return new RegExp('('.repeat(100_000) + ')'.repeat(100_000)).test('');",
  'clone-depth': 'let deep = {}; for (let i = 0; i < 200_000; i += 1) deep = { deep }; structuredClone(deep); return 1;',
  'concatenated-rope': {
    body: "let rope = 'x'; for (let i = 0; i < 2_000_000; i += 1) rope = 'a' + rope; return rope.charCodeAt(rope.length - 1);",
    mayAnswer: true,
  },
  'nested-proxies': 'let chain = {}; for (let i = 0; i < 100_000; i += 1) chain = new Proxy(chain, {}); return chain.a;',
  'bound-functions': {
    body: 'let chain = () => 1; for (let i = 0; i < 200_000; i += 1) chain = chain.bind(); return chain();',
    mayAnswer: true,
  },
  'nested-arrays-to-string': 'let deep = []; for (let i = 0; i < 200_000; i += 1) deep = [deep]; return String(deep);',
  'nested-flat': 'let deep = []; for (let i = 0; i < 500_000; i += 1) deep = [deep]; return deep.flat(Infinity).length;',
  'generator-delegation': 'const deep = function* (n) { yield* deep(n + 1); }; return [...deep(0)];',
};
