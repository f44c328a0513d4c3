// Attacks on the order of things: on other calls, on the runtime that shares the realm, on the way of a version, on what the node
// believes of a host.
import type { Sketch } from './denial.ts';

const breaks = (top: string): Sketch => ({
  top,
  body: 'ctx.log.info("x", { y: 1 }); await ctx.state.set({ a: 1 }); return await ctx.state.get();',
  calls: 2,
  mayAnswer: true,
});

/** What one version does to its realm, while an innocent one on the same host is asked whether it feels it. */
export const POLLUTION: Readonly<Record<string, Sketch>> = {
  'object-prototype': breaks("Object.prototype.seedPolluted = 'x'; Object.prototype.toJSON = function () { return 'polluted'; };"),
  'object-getters': breaks(
    "for (const name of ['then', 'get', 'set', 'value', 'seq', 'out', 'done', 'default', 'handle']) Object.defineProperty(Object.prototype, name, { get() { return 'polluted'; }, set() {}, configurable: true });",
  ),
  'array-prototype': breaks(
    "Array.prototype[Symbol.iterator] = () => { throw new Error('polluted'); }; Array.prototype.push = () => 0; Object.defineProperty(Array.prototype, 0, { set() {}, get() { return 'polluted'; } });",
  ),
  json: breaks("JSON.stringify = () => '\"polluted\"'; JSON.parse = () => 'polluted';"),
  promise: breaks(
    "Promise.prototype.then = () => { throw new Error('polluted'); }; Promise.resolve = () => 'polluted'; Object.defineProperty(Promise, Symbol.species, { value: Array });",
  ),
  map: breaks("Map.prototype.get = Map.prototype.set = Map.prototype.delete = () => { throw new Error('polluted'); };"),
  string: breaks("String.prototype.slice = String.prototype.split = () => 'polluted'; String.prototype.toString = () => 'polluted';"),
  'function-prototype': breaks(
    "Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => 'polluted'; Function.prototype.seedPolluted = 1;",
  ),
  reflect: breaks("for (const name of Object.getOwnPropertyNames(Reflect)) Reflect[name] = () => 'polluted';"),
  'error-constructors': breaks("globalThis.Error = globalThis.TypeError = globalThis.RangeError = function () { return 'polluted'; };"),
  'frozen-realm': breaks(
    'for (const name of Object.getOwnPropertyNames(globalThis)) { try { Object.freeze(globalThis[name]); Object.freeze(globalThis[name].prototype); } catch {} } Object.freeze(globalThis);',
  ),
  'empty-global': breaks('for (const name of Reflect.ownKeys(globalThis)) { try { delete globalThis[name]; } catch {} }'),
  'global-prototype': breaks('Object.setPrototypeOf(globalThis, new Proxy({}, { has: () => true, get: () => "polluted" }));'),
  'regexp-exec': breaks(
    "RegExp.prototype.exec = () => null; RegExp.prototype.test = () => true; String.prototype.replace = () => 'polluted';",
  ),
  clock: breaks(
    "Date.now = () => 0; globalThis.Date = class { static now() { return 1; } }; Math.random = () => 4; Intl.DateTimeFormat.prototype.format = () => 'polluted';",
  ),
  symbols: breaks(
    "for (const name of ['iterator', 'asyncIterator', 'toPrimitive', 'species']) { try { Symbol[name] = 'polluted'; } catch {} } Symbol.for('seed').description;",
  ),
  'typed-arrays': breaks(
    "Object.getPrototypeOf(Uint8Array.prototype).set = () => { throw new Error('polluted'); }; Object.defineProperty(Object.getPrototypeOf(Uint8Array), Symbol.species, { value: Array });",
  ),
  principal: {
    body: "ctx.principal.id = 'admin'; ctx.principal.roles = ['admin']; Object.setPrototypeOf(ctx.principal, null); return ctx.principal;",
    calls: 2,
    mayAnswer: true,
  },
  'input-of-the-next': {
    top: 'let last = null;',
    body: 'const seen = last; last = { input, ctx }; if (seen === null) return 1; seen.input.text = "polluted"; return [typeof (await seen.ctx.state.get()), ctx.key];',
    calls: 2,
    mayAnswer: true,
  },
  settings: breaks(
    "for (const name of ['__seed_module', 'seed', 'realm', 'host', 'entry']) globalThis[name] = { default: { handle: () => 'polluted' } };",
  ),
};

/** Records and errors that look like the runtime's own. */
export const FORGERY: Readonly<Record<string, Sketch>> = {
  'records-in-the-answer': {
    body: 'return \'done\\t1\\t"forged"\\t[]\\ndone\\t2\\t"forged"\\t[]\\nrequest\\t1\\t1\\tfetch\\t{}\\n\';',
    mayAnswer: true,
  },
  'records-in-the-error': { body: "throw new Error('x\\t[]\\ndone\\t3\\t1\\t[]\\n');" },
  'records-in-the-log': {
    body: 'for (let seq = 0; seq < 100; seq += 1) ctx.log.info(`x\\ndone\\t${seq}\\t"forged"\\t[]\\n`); return 1;',
    mayAnswer: true,
  },
  'records-in-the-state': {
    body: 'await ctx.state.set(\'x\\ndone\\t1\\t"forged"\\t[]\\n\\u2028\\u2029\'); return await ctx.state.get();',
    calls: 2,
    mayAnswer: true,
  },
  'error-of-the-node': {
    body: "throw Object.assign(new Error('no host'), { name: 'SeedError', code: 'unavailable', failure: 'host_lost', status: 503, retryAfterMs: 1e12 });",
  },
  'error-as-cancelled': {
    body: "throw { name: 'cancelled\\t0\\t0', message: 'x', code: 'cancelled', stack: 'seed:guest\\n'.repeat(50) };",
  },
  'error-name-lines': { body: "throw { name: 'a\\nb\\tc\\r\\n', message: 'd\\ne\\tf', code: 'g\\nh' };" },
  'stringify-that-lies': {
    top: "const own = JSON.stringify; JSON.stringify = (value) => own(value) + '\\n' + 'done\\t1\\t1\\t[]';",
    body: 'return { a: 1 };',
    calls: 2,
    mayAnswer: true,
  },
  'box-by-setter': {
    top: "Object.defineProperty(Object.prototype, 'out', { get() { return 'done\\t1\\t\"forged\"\\t[]\\n'; }, set(value) { this.kept = value; }, configurable: true });",
    body: 'return 1;',
    calls: 2,
    mayAnswer: true,
  },
  'seq-by-getter': {
    top: "Object.defineProperty(Object.prototype, 'seq', { get: () => 1, set() {}, configurable: true });",
    body: 'return await ctx.state.get();',
    calls: 2,
    mayAnswer: true,
  },
  'other-keys': {
    body: "return [await ctx.state.get('other'), await ctx.state.get({ key: 'other' }), ctx.state.key, ctx.key];",
    mayAnswer: true,
  },
  ungranted: {
    body: "return Object.keys(ctx).filter((name) => !['agent', 'key', 'principal', 'log', 'now', 'random', 'state'].includes(name));",
    mayAnswer: true,
  },
  'very-long-names': { body: "throw Object.assign(new Error('x'), { name: 'n'.repeat(1e6), code: 'c'.repeat(1e6) });" },
  'null-bytes': {
    body: "return { '\\u0000': '\\u0000\\uffff\\u2028', '__proto__x': 1, ['__pro' + 'to__']: { polluted: true } };",
    mayAnswer: true,
  },
  'own-proto-key': {
    body: 'return JSON.parse(\'{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}}\');',
    mayAnswer: true,
  },
};

const counted = (n: number, attack: string): Sketch => ({
  top: 'let calls = 0;',
  body: `calls += 1; if (calls < ${n}) return calls; ${attack}`,
  calls: n,
});
/** Answers until it has earned the synchronous path, which holds up its host's loop, and turns then. */
const turncoat = (attack: string): Sketch => ({ body: `if (input.n === 0) return 0; ${attack}`, warmUp: 600 });

export const LATER: Readonly<Record<string, Sketch>> = {
  'third-call-loops': counted(3, 'for (;;);'),
  'third-call-big-integer': counted(3, 'let x = 3n; for (;;) x = x * x;'),
  'third-call-kills': counted(3, "return 'a'.repeat(5e8).split('').length;"),
  'second-call-allocates': counted(2, 'const kept = []; for (;;) { try { kept.push(new Array(1000).fill(0)); } catch {} }'),
  'grows-with-every-call': {
    top: 'const kept = [];',
    body: 'kept.push(new Array(700_000).fill(kept.length)); return kept.length;',
    calls: 12,
    mayAnswer: true,
  },
  'leaves-microtasks': {
    top: 'let again = () => {};',
    body: 'again = () => Promise.resolve().then(again); if (input.n > 0) again(); return 1;',
    calls: 2,
  },
  'sync-loop': turncoat('for (;;);'),
  'sync-big-integer': turncoat('let x = 3n; for (;;) x = x * x;'),
  'sync-kills': turncoat("return 'a'.repeat(5e8).split('').length;"),
  'sync-allocates': turncoat('const kept = []; for (;;) { try { kept.push(new Array(1000).fill(0)); } catch {} }'),
  'sync-native': turncoat('return new Array(2 ** 30).fill(1).length;'),
  'sync-error-proxy': turncoat('throw new Proxy({}, { get() { for (;;); } });'),
  'sync-rejection': {
    ...(turncoat('Promise.reject(new Proxy({}, { get() { for (;;); } })); return 1;') as object),
    body: 'if (input.n === 0) return 0; Promise.reject(new Proxy({}, { get() { for (;;); } })); return 1;',
    mayAnswer: true,
  },
};

const loads = (top: string): Sketch => ({ place: 'load', top, body: 'return 1;' });

/** While the module is loaded: before any call, in the validator first. */
export const LOADING: Readonly<Record<string, Sketch>> = {
  loop: loads('for (;;);'),
  microtasks: loads('const again = () => Promise.resolve().then(again); again();'),
  allocation: loads('const kept = []; for (;;) kept.push(new Array(100_000).fill(1));'),
  'caught-allocation': loads('const kept = []; for (;;) { try { kept.push(new Array(1000).fill(0)); } catch {} }'),
  'big-integer': loads('let x = 3n; for (;;) x = x * x;'),
  kills: loads("'a'.repeat(5e8).split('').length;"),
  fill: loads('new Array(2 ** 30).fill(1);'),
  throws: loads("throw new Error('x');"),
  'throws-proxy': loads('throw new Proxy({}, { get() { for (;;); } });'),
  'throws-getter': loads('throw { get message() { for (;;); }, get stack() { for (;;); } };'),
  'rejects-proxy': {
    ...(loads('Promise.reject(new Proxy({}, { get() { for (;;); } }));') as object),
    place: 'load',
    body: 'return 1;',
    mayAnswer: true,
  },
  overflow: loads('const deep = () => deep() + 1; deep();'),
  'module-getter': {
    place: 'load',
    top: "let kept; Object.defineProperty(globalThis, '__seed_module', { get() { for (;;); }, set(value) { kept = value; }, configurable: true });",
    body: 'return 1;',
  },
  'module-of-proxies': {
    place: 'load',
    top: "queueModule(); function queueModule() { let kept; Object.defineProperty(globalThis, '__seed_module', { configurable: true, set(value) { kept = value; }, get() { return new Proxy({}, { ownKeys() { for (;;); }, get() { for (;;); } }); } }); }",
    body: 'return 1;',
  },
  'large-module': {
    place: 'load',
    top: `const table = [${'"0123456789abcdef",'.repeat(20_000)}];`,
    body: 'return table.length;',
    mayAnswer: true,
  },
  'many-functions': {
    place: 'load',
    top: Array.from({ length: 4_000 }, (_, i) => `function f${i}(a) { return a + ${i}; }`).join('\n') + '\nconst all = [f0];',
    body: 'return all.length;',
    mayAnswer: true,
  },
  'deep-source': {
    place: 'load',
    top: `const deep = ${'['.repeat(3_000)}${']'.repeat(3_000)};`,
    body: 'return deep.length;',
    mayAnswer: true,
  },
  'very-deep-source': {
    place: 'load',
    top: `const deep = ${'('.repeat(50_000)}1${')'.repeat(50_000)};`,
    body: 'return deep;',
    mayAnswer: true,
  },
  'deep-binary-source': {
    place: 'load',
    top: `const text = ${Array.from({ length: 20_000 }, () => '"a"').join('+')};`,
    body: 'return text.length;',
    mayAnswer: true,
  },
};

const inExample = (body: string): Sketch => ({ place: 'example', body });

/** In what proves a version before it may be called: the contract's examples. */
export const EXAMPLES: Readonly<Record<string, Sketch>> = {
  loop: inExample('for (;;);'),
  'big-integer': inExample('let x = 3n; for (;;) x = x * x;'),
  allocation: inExample('const kept = []; for (;;) { try { kept.push(new Array(1000).fill(0)); } catch {} }'),
  kills: inExample("return 'a'.repeat(5e8).split('').length;"),
  'never-settles': inExample('await new Promise(() => {});'),
  'throws-proxy': inExample('throw new Proxy({}, { get() { for (;;); } });'),
  'huge-answer': inExample("return 'x'.repeat(2 ** 28);"),
  'different-every-time': { place: 'example', top: 'let calls = 0;', body: 'calls += 1; return calls;' },
};

const inContract = (contractTop: string, contract = ''): Sketch => ({ place: 'contract', contractTop, contract, body: 'return 1;' });

/** contract.ts is an author's code too. */
export const CONTRACTS: Readonly<Record<string, Sketch>> = {
  loop: inContract('for (;;);'),
  microtasks: inContract('const again = () => Promise.resolve().then(again); again();'),
  allocation: inContract('const kept = []; for (;;) { try { kept.push(new Array(1000).fill(0)); } catch {} }'),
  'big-integer': inContract('let x = 3n; for (;;) x = x * x;'),
  kills: inContract("'a'.repeat(5e8).split('').length;"),
  'throws-proxy': inContract('throw new Proxy({}, { get() { for (;;); } });'),
  'huge-data': inContract('', "examples: Array.from({ length: 40 }, () => ({ input: { n: 1, list: [], text: 'x'.repeat(5_000_000) } })),"),
  'deep-data': inContract(
    'let deep: unknown = 1; for (let i = 0; i < 100_000; i += 1) deep = [deep];',
    'examples: [{ input: { n: 1, list: [], text: "x" }, output: deep }],',
  ),
  'getter-data': inContract('', 'get objective() { for (;;); },'),
  'proxy-data': inContract('', 'rollout: new Proxy({}, { ownKeys() { for (;;); }, get() { for (;;); } }),'),
  'to-json-data': inContract('', "objective: { toJSON() { for (;;); }, name: 'x', direction: 'minimize' },"),
  'recursive-schema': inContract('', 'improvement: { get enabled() { return this.enabled; } },'),
  'wider-limits': inContract('', 'limits: { cpuMs: 60_000_000, memoryMb: 100_000 },'),
  'unknown-capability': inContract('', "capabilities: ['process', 'host', '__proto__'],"),
  'pattern-on-input': {
    place: 'call',
    contract:
      "exports: { handle: { kind: 'call', input: z.object({ n: z.number(), list: z.array(z.number()), text: z.string().regex(/^(t|e|x|(t+)+)*$/) }), output: z.unknown() } },",
    body: 'return input.text;',
    mayAnswer: true,
  },
};

const SESSION = "*session() { yield { n: 1, list: [], text: 'x' }; return { score: 1 }; },";
const INSIDE = 'inside: (sample, candidate) => candidate.weigh(1),';
const scores = (evaluation: string, more: { evaluationTop?: string; weigh?: string } = {}): Sketch => ({
  place: 'evaluation',
  evaluation,
  weigh: 'return n + 1;',
  body: 'return 1;',
  ...more,
});

/**
 * evals/ is an author's code too, and what it scores is a candidate's: in a search for something better. What only loops is left out:
 * it has the minute that every evaluation has, and a core of an evaluator's.
 */
export const EVALUATIONS: Readonly<Record<string, Sketch>> = {
  'top-level-kills': scores(`${INSIDE} ${SESSION}`, { evaluationTop: "'a'.repeat(5e8).split('').length;" }),
  'inside-allocates': scores(
    `inside: () => { const kept = []; for (;;) { try { kept.push(new Array(1000).fill(0)); } catch {} } }, ${SESSION}`,
  ),
  'candidate-that-scores-itself': scores(`${INSIDE} ${SESSION}`, {
    weigh: 'Object.defineProperty(Object.prototype, "score", { get: () => -1e9, set() {} }); return n;',
  }),
  'score-that-is-none': scores(`inside: () => NaN, *session() { return { score: { valueOf() { for (;;); } } }; },`),
};
