// Attacks on memory: on the isolate's heap, beside it, and by natives that take all of it at once.
import type { Sketch } from './denial.ts';

const keep = (value: string): string => `const kept = []; for (let i = 0; ; i += 1) kept.push(${value});`;

export const ALLOCATION: Readonly<Record<string, Sketch>> = {
  arrays: keep('new Array(100_000).fill(i)'),
  'arrays-caught': 'const kept = []; for (;;) { try { kept.push(new Array(1000).fill(0)); } catch {} }',
  'small-objects': keep('{ i, a: { i }, b: [i] }'),
  closures: keep('() => i + kept.length'),
  'class-instances':
    'class Node_ { #secret = [1, 2, 3]; next = null; } let head = new Node_(); for (;;) { const one = new Node_(); one.next = head; head = one; }',
  'doubled-strings': "let s = 'ab'; for (;;) s = s + s + 'x';",
  'flat-strings': "const kept = []; for (let i = 0; ; i += 1) { const s = 'x'.repeat(1 << 20) + i; s.charCodeAt(7); kept.push(s); }",
  'wide-strings': "const kept = []; for (let i = 0; ; i += 1) { const s = '\\u4e2d'.repeat(1 << 20) + i; s.charCodeAt(7); kept.push(s); }",
  'unique-strings': keep("'k' + i + Math.random()"),
  templates: "let s = 'x'; for (;;) s = `${s}${s}${s.slice(1)}`;",
  maps: 'const map = new Map(); for (let i = 0; ; i += 1) map.set(i, { i });',
  sets: 'const set = new Set(); for (let i = 0; ; i += 1) set.add({ i });',
  'weak-maps': 'const kept = []; const map = new WeakMap(); for (;;) { const key = {}; kept.push(key); map.set(key, new Array(100)); }',
  buffers: keep('new ArrayBuffer(10_000_000)'),
  'filled-buffers': keep('new Uint8Array(10_000_000).fill(i)'),
  'resized-buffers':
    'const kept = []; for (;;) { const one = new ArrayBuffer(8, { maxByteLength: 2 ** 28 }); one.resize(2 ** 28); new Uint8Array(one).fill(1); kept.push(one); }',
  'grown-buffer':
    'const one = new ArrayBuffer(0, { maxByteLength: 2 ** 30 }); for (let size = 0; size < 2 ** 30; size += 2 ** 20) { one.resize(size); new Uint8Array(one).fill(7, Math.max(0, size - 2 ** 20)); } for (;;);',
  'transferred-buffers':
    'const kept = []; for (;;) { const one = new ArrayBuffer(8_000_000); new Uint8Array(one).fill(1); kept.push(one.transfer(16_000_000)); }',
  floats: keep('new Float64Array(2_000_000).fill(0.5)'),
  symbols: keep("Symbol('s'.repeat(1000) + i)"),
  'symbol-registry': "for (let i = 0; ; i += 1) Symbol.for('k'.repeat(500) + i);",
  patterns: keep("new RegExp('(a|b|' + i + '){1,50}x'.repeat(20))"),
  promises: keep('new Promise(() => {})'),
  'big-integers': 'const kept = []; let n = 7n; for (let i = 0; ; i += 1) { n = n * 3n + 1n; kept.push(n); }',
  generators:
    'const make = function* (n) { const big = new Array(1000).fill(n); yield big; }; const kept = []; for (let i = 0; ; i += 1) { const one = make(i); one.next(); kept.push(one); }',
  errors: "const kept = []; const deep = (n) => (n === 0 ? kept.push(new Error('x'.repeat(1000))) : deep(n - 1)); for (;;) deep(50);",
  'number-formats': keep("new Intl.NumberFormat('de-DE', { style: 'currency', currency: 'EUR' })"),
  'date-formats': keep("new Intl.DateTimeFormat('ja-JP-u-ca-japanese', { dateStyle: 'full' })"),
  collators: keep("new Intl.Collator('zh')"),
  segments:
    "const kept = []; const one = new Intl.Segmenter('th', { granularity: 'word' }); for (;;) kept.push(one.segment('x'.repeat(1_000_000)));",
  'wide-object': "const one = {}; for (let i = 0; ; i += 1) one['key' + i] = i;",
  'sparse-elements': 'const one = []; for (let i = 0; ; i += 1) one[(i * 7919) % 4_000_000_000] = i;',
  'deep-chain': 'let chain = null; for (;;) chain = { chain };',
  'proxy-chain': 'let chain = {}; for (;;) chain = new Proxy(chain, {});',
  'bound-chain': 'let chain = () => 1; for (;;) chain = chain.bind(null, chain);',
  'clone-bomb': "const kept = []; const one = { a: new Array(10_000).fill('x') }; for (;;) kept.push(structuredClone(one));",
  'parsed-json': "const text = '[' + '{\"a\":[1,2,3]},'.repeat(10_000) + '1]'; const kept = []; for (;;) kept.push(JSON.parse(text));",
  'encoded-text': "const kept = []; const text = 'ä'.repeat(1_000_000); for (;;) kept.push(new TextEncoder().encode(text));",
  'search-params': "const params = new URLSearchParams(); for (let i = 0; ; i += 1) params.append('key' + i, 'value'.repeat(100));",
  'abort-listeners': "const { signal } = new AbortController(); for (let i = 0; ; i += 1) signal.addEventListener('abort', () => i);",
};

/** Each a single call of something native, which no timer of V8's ends. */
export const NATIVE: Readonly<Record<string, Sketch>> = {
  'fill-array': 'return new Array(2 ** 30).fill(1).length;',
  'from-length': 'return Array.from({ length: 1e9 }).length;',
  'join-holes': "return new Array(2 ** 28).join('xx').length;",
  'reverse-sparse': 'const a = []; a[2 ** 32 - 2] = 1; a.reverse(); return 1;',
  'sort-sparse': 'const a = []; a[2 ** 32 - 2] = 1; a[5] = 2; a.sort(); return 1;',
  'index-of-length': 'return Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1);',
  'includes-length': 'return Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1);',
  'last-index-of-length': 'return Array.prototype.lastIndexOf.call({ length: 2 ** 53 - 1 }, 1);',
  'reverse-length': 'return Array.prototype.reverse.call({ length: 2 ** 53 - 1 });',
  'splice-length': 'return Array.prototype.splice.call({ length: 2 ** 53 - 1 }, 0, 1);',
  'unshift-length': 'return Array.prototype.unshift.call({ length: 2 ** 40 }, 1);',
  'copy-within-length': 'return Array.prototype.copyWithin.call({ length: 2 ** 53 - 1 }, 1, 0);',
  'concat-spreadable': 'return [].concat({ length: 2 ** 32 - 2, [Symbol.isConcatSpreadable]: true }, {}).length;',
  'to-sorted-length': 'return Array.prototype.toSorted.call({ length: 2 ** 32 - 1 }).length;',
  'flat-of-itself': 'const a = []; for (let i = 0; i < 3; i += 1) a.push(a); return a.flat(Infinity).length;',
  'split-huge': "return 'a'.repeat(5e8).split('').length;",
  'spread-huge': "return [...'a'.repeat(4e8)].length;",
  'replace-huge': "return 'a'.repeat(5e8).replace(/a/g, 'b').length;",
  'replace-explodes': "return 'a'.repeat(1e5).replaceAll('a', 'b'.repeat(1e4)).length;",
  'match-all-huge': "return [...'a'.repeat(1e8).matchAll(/a/g)].length;",
  'pad-huge': "return 'x'.padEnd(2 ** 29 - 30, 'abc').toUpperCase().length;",
  'normalise-huge': "return '\\ufdfa'.repeat(1e7).normalize('NFKD').length;",
  'upper-case-huge': "return 'ß'.repeat(1e8).toUpperCase().length;",
  'locale-upper-case': "return 'ß'.repeat(1e8).toLocaleUpperCase('de').length;",
  'locale-compare': "return 'ä'.repeat(1e8).localeCompare('ä'.repeat(1e8) + 'x');",
  'segment-huge':
    "let n = 0; for (const one of new Intl.Segmenter('th', { granularity: 'word' }).segment('สวัสดี'.repeat(1e7))) n += one.index; return n;",
  'decode-uri': "return decodeURIComponent('%41'.repeat(1e8)).length;",
  'assign-huge': "return Object.keys(Object.assign({}, 'a'.repeat(1e8))).length;",
  'entries-huge': "return Object.entries('a'.repeat(1e8)).length;",
  'raw-template': 'return String.raw({ raw: { length: 2 ** 53 - 1 } }).length;',
  'apply-huge': 'return Math.max.apply(null, { length: 1e9 });',
  'stringify-sparse': 'const a = []; a.length = 2 ** 32 - 1; return a;',
  'stringify-indent': "const a = new Array(1e7).fill(1); return JSON.stringify(a, null, ' '.repeat(10)).length;",
  'sort-typed': 'return new Float64Array(1e8).sort().length;',
  'parse-deep': "return JSON.parse('['.repeat(5e7));",
  'pattern-huge': "return new RegExp('(?:a?){1000}'.repeat(20_000)).test('a'.repeat(1000));",
  'from-iterator': 'return Array.from({ [Symbol.iterator]: () => ({ next: () => ({ done: false, value: 1 }) }) }).length;',
  'group-by': 'return Object.groupBy({ *[Symbol.iterator]() { for (;;) yield 1; } }, (one) => one);',
  'set-like':
    'return new Set([1]).union({ size: Infinity, has: () => true, keys: () => ({ next: () => ({ done: false, value: {} }) }) }).size;',
};

export const BIG_INTEGERS: Readonly<Record<string, Sketch>> = {
  squares: 'let x = 3n; for (;;) x = x * x;',
  power: 'return String((3n ** 50_000_000n) % 10n);',
  parse: "return String(BigInt('1'.repeat(1e8)) % 10n);",
  print: 'return (1n << 30_000_000n).toString().length;',
  shifts: 'let x = 1n; for (;;) x = x << 1_000_000n;',
  divide: 'let x = 7n ** 3_000_000n; const y = 3n ** 1_000_000n; for (;;) x = (x / y) * y + 1n;',
  remainder: 'let x = 1n << 20_000_000n; return String(x % ((1n << 9_999_999n) - 1n));',
  'as-unsigned': 'const x = BigInt.asUintN(2 ** 28, -1n); return String((x * x) & 1n);',
  compare: 'let x = 1n << 30_000_000n; for (;;) if (x === x + 1n) break;',
};
