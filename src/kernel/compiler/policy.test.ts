import { describe, expect, test } from 'vitest';
import { requireExports } from './built-exports.ts';
import { contractSchema } from './contract.ts';
import { checkPolicy, MAX_BUILT_BYTES, requirePolicy } from './policy.ts';

const EMPTY_MAP = '{"version":3,"sources":[],"names":[],"mappings":""}';

function rules(js: string): string[] {
  return checkPolicy({ js, map: EMPTY_MAP }).violations.map((violation) => violation.rule);
}

describe('the policy refuses', () => {
  test.each([
    ['eval', 'eval("1")'],
    ['eval', '(0, eval)("1")'],
    ['eval', 'new Function("return this")'],
    ['eval', '(() => {}).constructor("return this")()'],
    ['eval', '[]["constructor"]["constructor"]("x")'],
    ['eval', 'a.constructor.constructor'],
    ['eval', 'globalThis.eval("1")'],
    ['absent', 'process.env'],
    ['absent', 'globalThis["process"]'],
    ['absent', 'var fs = require("fs")'],
    ['absent', 'setTimeout(() => {}, 1)'],
    ['absent', 'new SharedArrayBuffer(1)'],
    ['absent', 'new WeakRef({})'],
    ['absent', 'WebAssembly.compile(x)'],
    ['prototype', 'a.__proto__ = b'],
    ['prototype', 'a["__proto__"]'],
    ['prototype', 'var a = { get __proto__() { return 1; } }'],
    ['prototype', 'class A { static ["__proto__"]() {} }'],
    ['prototype', 'Array.prototype.last = 1'],
    ['prototype', 'Error.prepareStackTrace = f'],
    ['dynamic-import', 'import(x)'],
    ['debugger', 'debugger'],
    ['with', 'with (a) b'],
    ['syntax', 'import.meta.url'],
    ['syntax', 'import a from "b"'],
    ['syntax', 'let ='],
  ])('%s: %s', (rule, js) => {
    expect(rules(js)).toContain(rule);
  });

  test('a script that is too large, and one that is too deep, without overflowing', () => {
    expect(rules(' '.repeat(MAX_BUILT_BYTES + 1))).toEqual(['size']);
    expect(rules(`${'('.repeat(100_000)}1${')'.repeat(100_000)}`)).toEqual(['depth']);
    expect(rules(`a${'.a'.repeat(5_000)}`)).toEqual(['depth']);
  });
});

test.each([
  'function process(a) { return a; } process(1);',
  'var module = 1; module + 1',
  'var fetch = (a) => a; fetch(1)',
  'function f({ process }) { return process; }',
  'a.process; a.require(1); a = { eval: 1 }',
  'if (typeof process === "undefined") a()',
  'class A { copy() { return new this.constructor(); } name() { return this.constructor.name; } }',
  'fetch: for (;;) break fetch',
  'A.prototype.x = 1',
])('the policy lets pass: %s', (js) => {
  expect(rules(js)).toEqual([]);
});

test('a refusal names the first place and lists all', () => {
  const report = checkPolicy({ js: 'var a;\n  eval("1");\nprocess.exit()', map: EMPTY_MAP });
  expect(() => requirePolicy(report)).toThrow(
    expect.objectContaining({
      code: 'policy_refused',
      message: 'built script:2:3: eval makes code from text (and 1 more)',
      details: report.violations,
    }),
  );
});

test('exports are read from the built script and compared with the contract', () => {
  const js = 'var __seed_module = (() => { var e = {}; __export(e, { default: () => d, "priority": () => p }); return e; })();';
  const { exports } = checkPolicy({ js, map: EMPTY_MAP });
  expect(exports).toEqual(['default', 'priority']);
  const contract = (name: string) =>
    contractSchema.parse({
      contract: 1,
      name: 'a',
      summary: '',
      limits: {},
      exports: [
        { kind: 'call', name: 'handle', input: {}, output: {} },
        { kind: 'evolvable', name, parameters: [{ name: 'x', min: 0, max: 1 }] },
      ],
    });
  expect(() => requireExports(exports, contract('priority'))).not.toThrow();
  expect(() => requireExports(exports, contract('other'))).toThrow(/agent.ts does not export other/);
  expect(() => requireExports([], contract('priority'))).toThrow(/no default export with handle/);
});
