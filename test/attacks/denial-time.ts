// Attacks on time: code that does not end, in every form that has no end.
import type { Sketch } from './denial.ts';

export const LOOPS: Readonly<Record<string, Sketch>> = {
  for: 'for (;;);',
  'continue-label': 'outer: for (;;) { for (;;) continue outer; }',
  'do-while': 'let n = 0; do { n += 1; } while (n > -1);',
  'finally-again': 'const again = () => { for (;;) { try { return; } finally { continue; } } }; again();',
  'swallowed-overflow': 'const deep = () => { try { deep(); } catch { deep(); } }; deep();',
  'finally-overflow': 'const deep = () => { try { deep(); } finally { deep(); } }; deep();',
  'mutual-recursion': 'const a = () => b() + 1; const b = () => a() + 1; return a();',
  generator: 'const g = (function* () { for (;;) yield 1; })(); for (const one of g) input.n += one;',
  'sort-comparator': '[3, 2, 1].sort(() => { for (;;); });',
  'array-callback': '[1].map(() => { for (;;); });',
  'replace-callback': "'a'.replace(/a/, () => { for (;;); });",
  'parse-reviver': "JSON.parse('[1]', () => { for (;;); });",
  getter: 'const o = { get a() { for (;;); } }; return o.a;',
  proxy: 'const p = new Proxy({}, { get() { for (;;); } }); return p.a;',
  'to-string': 'return `${{ toString() { for (;;); } }}`;',
  'to-primitive': 'return +{ [Symbol.toPrimitive]() { for (;;); } };',
  'to-string-recursion': 'const o = { toString() { return `${this}`; } }; return `${o}`;',
  'has-instance': 'class Never { static [Symbol.hasInstance]() { for (;;); } } return {} instanceof Never;',
  'array-species': 'class Odd extends Array { static get [Symbol.species]() { for (;;); } } return new Odd(3).map(() => 1);',
  'endless-iterator':
    'for (const one of { [Symbol.iterator]() { return this; }, next() { return { done: false, value: 1 }; } }) input.n = one;',
  'iterator-helper': 'return Iterator.from({ next: () => ({ done: false, value: 1 }) }).filter(() => false).toArray();',
  'prototype-cycle-by-proxy': 'const p = new Proxy({}, { getPrototypeOf: () => p }); return p instanceof Array;',
  dates: 'for (;;) new Date(Math.random() * 1e12).toISOString();',
  'locale-dates': "for (;;) new Date(0).toLocaleString('ar-EG', { timeZone: 'Asia/Kathmandu' });",
  random: 'for (;;) Math.random();',
  'ctx-random': 'for (;;) ctx.random();',
  'ctx-now': 'for (;;) ctx.now();',
  urls: "for (;;) new URL('http://user@host.test:81/a/../b?c#d');",
  'waits-for-the-clock': 'const start = Date.now(); while (Date.now() - start < 1000);',
};

export const PATTERNS: Readonly<Record<string, Sketch>> = {
  nested: "return /^(a+)+$/.test('a'.repeat(50) + 'b');",
  alternation: "return /^(a|a)*$/.test('a'.repeat(50) + 'b');",
  'back-reference': "return /^(\\w*)*\\1!$/.test('a'.repeat(50));",
  'look-behind': "return /(?<=^b(a|aa)+)$/.test('c' + 'a'.repeat(60));",
  lazy: "return /^(.*?,){30}P/.test('1,'.repeat(200));",
  'unicode-sets': "return /^(\\p{L}+\\s?)+$/u.test('é'.repeat(50) + '!');",
  'split-on-pattern': "return ('a'.repeat(50) + '!').split(/(a+)+$/).length;",
  'replace-with-pattern': "return ('a'.repeat(50) + '!').replace(/(a+)+$/g, 'x');",
  'sticky-match': "const p = /(x+x+)+y/y; return p.exec('x'.repeat(60));",
};

export const PROMISES: Readonly<Record<string, Sketch>> = {
  microtasks: 'const again = () => Promise.resolve().then(again); again(); await null;',
  'await-forever': 'for (;;) await 0;',
  'then-after-answer': { body: 'const again = () => Promise.resolve().then(again); again(); return 1;' },
  'loop-after-answer': {
    body: 'Promise.resolve().then(() => Promise.resolve()).then(() => Promise.resolve()).then(() => { for (;;); }); return 1;',
    mayAnswer: true,
  },
  'never-settles': 'await new Promise(() => {});',
  'race-of-none': 'await Promise.race([]);',
  'endless-thenable': 'const again = { then(done) { done(again); } }; return again;',
  'thenable-loop': 'return { then() { for (;;); } };',
  'thenable-that-forgets': 'return { then() {} };',
  'thenable-getter': 'return { get then() { for (;;); } };',
  'thenable-twice': { body: 'return { then(done, fail) { done(1); done(2); fail(3); } };', mayAnswer: true },
  rejections: 'for (;;) { Promise.reject(new Error("x".repeat(100))); await null; }',
  'rejected-proxy': { body: 'Promise.reject(new Proxy({}, { get() { for (;;); } })); return 1;', mayAnswer: true },
  'rejected-getter': { body: 'Promise.reject({ get message() { for (;;); }, get stack() { for (;;); } }); return 1;', mayAnswer: true },
  'rejected-nothing': { body: 'Promise.reject(); Promise.reject(null); Promise.reject(Symbol("x")); return 1;', mayAnswer: true },
  'all-of-many': 'await Promise.all(Array.from({ length: 1e7 }, () => Promise.resolve()));',
  'async-recursion': 'const deep = async () => { await deep(); }; await deep();',
  'async-generator': 'for await (const one of (async function* () { for (;;) yield 1; })()) input.n = one;',
  'async-generator-returned': 'return (async function* () { for (;;) yield 1; })();',
  'async-generator-queue': 'const g = (async function* () { for (;;) yield 1; })(); for (;;) g.next();',
  'finally-chain': 'let chain = Promise.resolve(); for (;;) chain = chain.finally(() => chain);',
  'patched-then-loop': 'Promise.prototype.then = function () { for (;;); }; return ctx.state.get().then(() => 1);',
  'patched-then-never': { body: 'Promise.prototype.then = function () { return this; }; return 1;', mayAnswer: true },
  'await-getter':
    'const promise = Promise.resolve(1); Object.defineProperty(promise, "construct" + "or", { get() { for (;;); } }); await promise;',
  'from-async': 'await Array.fromAsync({ [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 1 }) }) });',
};

export const HOST_CALLS: Readonly<Record<string, Sketch>> = {
  'loop-after-get': 'await ctx.state.get(); for (;;);',
  'loop-after-many': 'for (let i = 0; i < 20; i += 1) await ctx.state.get(); for (;;);',
  'microtasks-after-get': 'await ctx.state.get(); for (;;) await 0;',
  'allocates-after-get': 'await ctx.state.get(); const kept = []; for (;;) kept.push(new Array(100_000).fill(1));',
  'big-integer-after-get': 'await ctx.state.get(); let x = 3n; for (;;) x = x * x;',
  'get-flood': 'for (;;) ctx.state.get();',
  'awaited-get-flood': 'for (;;) await ctx.state.get();',
  'set-flood': 'for (;;) ctx.state.set({ x: 1 });',
  'large-set-flood': "const big = 'x'.repeat(900_000); for (;;) await ctx.state.set(big);",
  'caught-set-flood': "const big = 'x'.repeat(900_000); for (;;) { try { await ctx.state.set(big); } catch {} }",
  'set-too-large': "await ctx.state.set('x'.repeat(2_000_000));",
  'set-wide': "await ctx.state.set('\\u4e2d'.repeat(600_000)); return 1;",
  'set-deep': 'let deep = 1; for (let i = 0; i < 200_000; i += 1) deep = [deep]; await ctx.state.set(deep);',
  'set-deep-enough': {
    body: 'let deep = 1; for (let i = 0; i < 4_000; i += 1) deep = [deep]; await ctx.state.set(deep); return (await ctx.state.get()).length;',
    mayAnswer: true,
    calls: 2,
  },
  'set-shared': 'let shared = []; for (let i = 0; i < 40; i += 1) shared = [shared, shared]; await ctx.state.set(shared);',
  'set-to-json-loop': 'await ctx.state.set({ toJSON() { for (;;); } });',
  'set-to-json-again': 'const again = { toJSON() { return { again: { toJSON: again.toJSON } }; } }; await ctx.state.set(again);',
  'set-getter': 'await ctx.state.set({ get a() { for (;;); } });',
  'set-proxy': 'await ctx.state.set(new Proxy({}, { ownKeys() { for (;;); } }));',
  'set-after-answer': {
    body: 'Promise.resolve().then(() => {}).then(() => ctx.state.set({ late: 1 })).catch(() => {}); return 1;',
    mayAnswer: true,
    calls: 2,
  },
  'get-never-awaited': { body: 'for (let i = 0; i < 900; i += 1) ctx.state.get().then(() => ctx.state.get()); return 1;', mayAnswer: true },
  'many-at-once': { body: 'await Promise.all(Array.from({ length: 900 }, () => ctx.state.get())); return 1;', mayAnswer: true },
};

export const LOGS: Readonly<Record<string, Sketch>> = {
  flood: "for (;;) ctx.log.info('x'.repeat(1000));",
  'console-flood': "for (;;) console.error('x'.repeat(1000));",
  'flood-of-fields': "for (;;) ctx.log.warn('x', { a: 'y'.repeat(8000) });",
  'huge-line': { body: "ctx.log.info('x'.repeat(50_000_000)); return 1;", mayAnswer: true },
  'huge-fields': { body: "ctx.log.info('x', { a: 'y'.repeat(10_000_000) }); return 1;", mayAnswer: true },
  'field-getter': "ctx.log.info('x', { get a() { for (;;); } });",
  'field-to-json': "ctx.log.info('x', { toJSON() { for (;;); } });",
  'field-proxy': "ctx.log.info('x', new Proxy({}, { ownKeys() { for (;;); } }));",
  'console-to-string': 'console.log({ toJSON() { for (;;); } });',
  'console-cycle': { body: 'const cycle = {}; cycle.cycle = cycle; console.log(cycle, cycle); return 1;', mayAnswer: true },
  'deep-fields': {
    body: "let deep = 1; for (let i = 0; i < 1_000_000; i += 1) deep = [deep]; ctx.log.info('x', { deep }); return 1;",
    mayAnswer: true,
  },
  'in-the-error': { body: "for (let i = 0; i < 1000; i += 1) ctx.log.error('line\\n\\t\\u0000' + i); throw new Error('after the flood');" },
};

const parks = (body: string): Sketch => ({ body, isolation: 'call', mayAnswer: true });

/** Calls that leave their host while they wait, and come back. */
export const PARKING: Readonly<Record<string, Sketch>> = {
  'loop-after-sleep': parks('await ctx.sleep(1); for (;;);'),
  'sleep-flood': parks('for (;;) ctx.sleep(1000);'),
  'loop-after-short-sleeps': parks('for (let i = 0; i < 30; i += 1) await ctx.sleep(0); for (;;);'),
  'ask-flood': parks("for (;;) ctx.ask('x'.repeat(1000));"),
  'huge-question': parks("await ctx.ask('x'.repeat(20_000_000));"),
  'schema-that-loops': parks("await ctx.ask('x', { schema: { get type() { for (;;); } } });"),
  'schema-pattern': parks("await ctx.ask('x', { schema: { type: 'string', pattern: '^(a+)+$' } });"),
  'odd-times': parks(
    'await Promise.allSettled([NaN, -1, Infinity, 1e300, 2 ** 53, "1", {}, { valueOf() { for (;;); } }].map((ms) => ctx.sleep(ms))); return 1;',
  ),
};
