// Other ways to something of the host's: what it hands to code that it calls back, what its errors are made of, what was forgotten in
// the realm. Each offers every value it catches; the first whose realm has a process is the way out.

interface Cause {
  top?: string;
  body: string;
}

const CATCH = (code: string): string => `try { ${code} } catch (error) { offer(error); }`;

/** Name → statements with `offer(value)`, `input` and `ctx`; `top` sees `offer` too. */
export const CAUSES: Readonly<Record<string, Cause>> = {
  'forgotten-globals': {
    body: `for (const name of ['process', 'require', 'module', 'Buffer', 'fetch', 'setTimeout', 'setImmediate', 'queueMicrotask', 'crypto', 'performance', 'global', 'navigator', 'WebSocket', 'Deno', 'gc', 'print', 'load', 'd8']) offer(globalThis[name]);`,
  },
  'names-of-the-host': { body: CATCH('offer(process);') + CATCH('offer(require);') + CATCH('offer(Buffer);') },
  'own-function-maker': { body: CATCH("offer((function () {})['construct' + 'or']('return this')());") },
  'generator-maker': { body: CATCH("offer((function* () {})['construct' + 'or']('yield this')().next().value);") },
  'async-maker': { body: CATCH("offer(await (async () => {})['construct' + 'or']('return this')());") },
  'async-generator-maker': { body: CATCH("offer((await (async function* () {})['construct' + 'or']('yield this')().next()).value);") },
  'indirect-eval': { body: CATCH("offer((0, globalThis['ev' + 'al'])('this'));") },
  'reflect-construct': {
    body: CATCH("offer(Reflect.construct(globalThis['Func' + 'tion'], ['return this'], class extends Array {})());"),
  },
  'arguments-callee': { body: CATCH('offer(arguments.callee); offer(arguments.callee.caller);') },
  'function-caller': {
    top: 'const called = function () { return called.caller; };',
    body: CATCH('offer(called());') + CATCH('offer(called.arguments);'),
  },
  'stack-call-sites': {
    body: CATCH(
      "Error['prepareStack' + 'Trace'] = (error, sites) => { for (const site of sites) for (const name of ['getThis', 'getFunction', 'getEvalOrigin']) offer(site[name]?.()); offer(sites); return ''; }; offer(new Error('x').stack);",
    ),
  },
  'stack-of-another-error': {
    body: CATCH(
      "const target = {}; Object.defineProperty(Error, 'prepareStack' + 'Trace', { value: (error, sites) => { for (const site of sites) { offer(site); offer(site.getThis()); } } }); Error.captureStackTrace(target); offer(target.stack);",
    ),
  },
  'stack-after-await': {
    body: CATCH(
      "Error['prepareStack' + 'Trace'] = (error, sites) => { for (const site of sites) { offer(site.getThis()); offer(site.getFunction()); } return ''; }; await null; offer(new Error('x').stack); await ctx.state.get(); offer(new Error('y').stack);",
    ),
  },
  'stack-limit-getter': {
    body: CATCH(
      "Object.defineProperty(Error, 'stackTraceLimit', { get() { offer(this); return 10; } }); try { new URL('no'); } catch (error) { offer(error); }",
    ),
  },
  'inspect-hook': {
    body: CATCH(
      "console.log({ [Symbol.for('nodejs.util.inspect.custom')](...given) { for (const one of given) offer(one); return ''; } });",
    ),
  },
  'inspect-hook-in-log': {
    body: CATCH(
      "ctx.log.info('x', { [Symbol.for('nodejs.util.inspect.custom')](...given) { for (const one of given) offer(one); }, toJSON(...given) { offer(this); for (const one of given) offer(one); return 1; } });",
    ),
  },
  'console-format': {
    body: CATCH(
      'console.log("%s %o %O %d", { toString(...given) { offer(given); return ""; } }, { get x() { offer(this); return 1; } }, new Proxy({}, { get(target, key, receiver) { offer(receiver); return undefined; } }));',
    ),
  },
  'thenable-argument': {
    body: CATCH(
      'await new Promise((done) => { ctx.state.set({ then(...given) { for (const one of given) offer(one); done(); } }); done(); });',
    ),
  },
  'dynamic-import': { body: CATCH("const name = 'node:' + 'fs'; offer(await import(name));") },
  'dynamic-import-of-data': {
    body: CATCH("const url = 'data:text/javascript,' + 'export default process'; offer((await import(url)).default);"),
  },
  'dynamic-import-hook': {
    body: CATCH("offer(await import({ toString(...given) { offer(this); for (const one of given) offer(one); return 'node:fs'; } }));"),
  },
  'stack-overflow-inside': {
    body: `const deep = () => { ctx.now(); ctx.random(); return deep() + 1; }; ${CATCH('deep();')} const deeper = () => { new URL('http://x'); return deeper() + 1; }; ${CATCH('deeper();')}`,
  },
  'wrong-this': {
    body: [
      'ctx.log.info.call(null)',
      'ctx.now.call(1, Symbol())',
      'ctx.state.get.call(undefined)',
      'Reflect.construct(ctx.now, [])',
      'new ctx.log.info()',
    ]
      .map(CATCH)
      .join('\n'),
  },
  'wrong-arguments': {
    body: [
      'ctx.log.info(Symbol("x"))',
      'await ctx.state.set(Symbol("x"))',
      'await ctx.state.set(() => 1)',
      'structuredClone()',
      'new TextDecoder("utf-7")',
      'new AbortSignal()',
      'URL.canParse()',
    ]
      .map((code) => CATCH(`offer(${code.startsWith('await') ? `(${code})` : code});`))
      .join('\n'),
  },
  'proxy-argument': {
    body: CATCH(
      "const trap = (name) => (...given) => { for (const one of given) offer(one); return Reflect[name](...given); }; const spy = new Proxy({ a: 1 }, Object.fromEntries(['get', 'has', 'ownKeys', 'getOwnPropertyDescriptor', 'getPrototypeOf'].map((name) => [name, trap(name)]))); ctx.log.info('x', spy); console.log(spy); await ctx.state.set(spy); structuredClone(spy);",
    ),
  },
  'callable-proxy': {
    body: CATCH(
      'const spy = new Proxy(function () {}, { apply(target, self, given) { offer(self); for (const one of given) offer(one); return 1; } }); await ctx.state.set({ toJSON: spy }); console.log({ toJSON: spy });',
    ),
  },
  'to-primitive': {
    body: CATCH(
      "const spy = { [Symbol.toPrimitive](...given) { offer(this); for (const one of given) offer(one); return 'http://x'; } }; new URL(spy); ctx.log.info(spy); new TextEncoder().encode(spy); new URLSearchParams(spy);",
    ),
  },
  'has-instance': {
    body: CATCH(
      "for (const owner of [Error, Promise, Array, Object]) Object.defineProperty(owner, Symbol.hasInstance, { value(value) { offer(value); return false; } }); console.log(new Error('x')); await ctx.state.set([1]); offer(structuredClone({ a: 1 }));",
    ),
  },
  'array-species': {
    body: CATCH(
      'input.list["construct" + "or"] = { [Symbol.species]: function (length) { offer(this); offer(new.target); return []; } }; input.list.map((one) => one); input.list.concat([1]);',
    ),
  },
  'promise-species': {
    body: CATCH(
      'class Spy extends Promise { constructor(work) { offer(work); super((...given) => { for (const one of given) offer(one); return work(...given); }); } } await Spy.resolve(ctx.state.get()); await Promise.prototype.then.call(ctx.state.get(), () => 1);',
    ),
  },
  'promise-constructor-getter': {
    body: CATCH(
      "const promise = ctx.state.get(); Object.defineProperty(promise, 'construct' + 'or', { get() { offer(this); return Promise; } }); await promise;",
    ),
  },
  'iterator-of-arrays': {
    body: CATCH(
      'const own = Array.prototype[Symbol.iterator]; Array.prototype[Symbol.iterator] = function (...given) { offer(this); return own.apply(this, given); }; new URLSearchParams([["a", "b"]]); structuredClone([1]); AbortSignal.any([]); ctx.log.info("x", { a: 1 });',
    ),
  },
  'setters-on-object': {
    body: CATCH(
      "for (const name of ['out', 'value', 'done', 'seq', 'resolve', 'reject', 'turn', 'box', 'generator', 'log', 'then', 'key', 'open', 'name', 'message', 'get', 'set']) Object.defineProperty(Object.prototype, name, { configurable: true, get() { offer(this); return undefined; }, set(value) { offer(this); offer(value); } }); await ctx.state.set({ a: 1 }); await ctx.state.get(); ctx.log.info('x', { y: 1 });",
    ),
  },
  'setters-on-array': {
    body: CATCH(
      'for (let index = 0; index < 4; index += 1) Object.defineProperty(Array.prototype, index, { configurable: true, get() { return undefined; }, set(value) { offer(this); offer(value); } }); await ctx.state.get(); new URLSearchParams("a=1&b=2"); console.log(1, 2, 3);',
    ),
  },
  'function-apply': {
    body: CATCH(
      "for (const name of ['call', 'apply', 'bind']) { const own = Function.prototype[name]; Function.prototype[name] = function (...given) { offer(this); for (const one of given) offer(one); return Reflect.apply(own, this, given); }; } await ctx.state.set(1); await ctx.state.get(); new URL('http://x'); structuredClone(new Map()); console.log(1);",
    ),
  },
  'collection-methods': {
    body: CATCH(
      "for (const owner of [Map, WeakMap, Set]) for (const name of ['get', 'set', 'has', 'add', 'delete']) { const own = owner.prototype[name]; if (own) owner.prototype[name] = function (...given) { offer(this); for (const one of given) offer(one); return Reflect.apply(own, this, given); }; } await ctx.state.set(1); await ctx.state.get(); structuredClone(new Map([[1, {}]])); new Intl.DateTimeFormat().format();",
    ),
  },
  'reflect-and-json': {
    body: CATCH(
      "for (const owner of [Reflect, JSON, Object]) for (const name of Object.getOwnPropertyNames(owner)) { const own = owner[name]; if (typeof own === 'function' && name !== 'prototype') { try { owner[name] = function (...given) { offer(this); for (const one of given) offer(one); return own.apply(this, given); }; } catch {} } } await ctx.state.set({ a: 1 }); await ctx.state.get(); structuredClone({ a: 1 }); console.log({});",
    ),
  },
  'string-methods': {
    body: CATCH(
      "for (const name of Object.getOwnPropertyNames(String.prototype)) { const own = String.prototype[name]; if (typeof own === 'function' && name !== 'constructor') String.prototype[name] = function (...given) { for (const one of given) offer(one); return Reflect.apply(own, this, given); }; } new URL('http://x/a?b'); ctx.log.info('x'); new TextDecoder(' utf-8 ');",
    ),
  },
  'regexp-methods': {
    body: CATCH(
      "const own = RegExp.prototype.exec; RegExp.prototype.exec = function (...given) { offer(this); for (const one of given) offer(one); return Reflect.apply(own, this, given); }; new URL('http://x.test/a b?c#d'); offer(RegExp.$1); offer(RegExp.input);",
    ),
  },
  'patched-then': {
    body: CATCH(
      'const own = Promise.prototype.then; Promise.prototype.then = function (...given) { offer(this); for (const one of given) offer(one); return Reflect.apply(own, this, given); }; await ctx.state.get(); await Promise.all([ctx.state.get()]);',
    ),
  },
  'returned-then': {
    body: 'Promise.prototype.then = new Proxy(Promise.prototype.then, { apply(target, self, given) { for (const one of given) offer(one); return Reflect.apply(target, self, given); } }); const late = ctx.state.get(); await late.then(() => 1);',
  },
  webassembly: { body: CATCH('offer(WebAssembly); offer(new WebAssembly.Memory({ initial: 1 }).buffer); offer(WebAssembly.compile);') },
  'shared-memory': { body: CATCH('offer(SharedArrayBuffer); offer(new SharedArrayBuffer(8)); offer(Atomics.wait);') },
  finalizers: {
    body:
      CATCH('offer(FinalizationRegistry); new FinalizationRegistry((held) => offer(held)).register({}, {});') +
      CATCH('offer(new WeakRef({}).deref);'),
  },
  'shadow-realm': {
    body:
      CATCH("offer(new ShadowRealm().evaluate('globalThis.constructor'));") +
      CATCH("offer(await new ShadowRealm().importValue('node:fs', 'readFileSync'));"),
  },
  temporal: { body: CATCH('offer(Temporal.Now); offer(Temporal.Now.instant());') },
  'intl-objects': {
    body: CATCH(
      "offer(new Intl.DateTimeFormat().format); offer(Intl.DateTimeFormat().resolvedOptions()); offer(new Intl.Collator().compare); offer(new Intl.Segmenter().segment('x'));",
    ),
  },
  'symbol-registry': {
    body: CATCH(
      "for (const name of ['nodejs.util.inspect.custom', 'nodejs.rejection', 'nodejs.util.promisify.custom', 'nodejs.dispose']) { const key = Symbol.for(name); for (const owner of [ctx, input, console, globalThis, URL, AbortSignal]) offer(owner[key]); }",
    ),
  },
  disposal: {
    body: CATCH(
      'const stack = new DisposableStack(); stack.defer(function (...given) { offer(this); offer(given); throw new Error("x"); }); try { stack.dispose(); } catch (error) { offer(error); } offer(SuppressedError);',
    ),
  },
  'iterator-helpers': {
    body: CATCH(
      'offer(Iterator.from({ next() { offer(this); return { done: true }; } }).toArray()); offer(await Array.fromAsync([ctx.state.get()]));',
    ),
  },
  'async-generator-hooks': {
    body: CATCH(
      'const spy = (async function* (...given) { for (;;) { const sent = yield given; offer(sent); } })(ctx.state.get()); offer(spy); offer((await spy.next(ctx)).value); offer(await spy.return(ctx.state.get()));',
    ),
  },
  'abort-listeners': {
    body: CATCH(
      "const aborting = new AbortController(); const hear = function (...given) { offer(this); for (const one of given) offer(one); }; aborting.signal.onabort = hear; aborting.signal.addEventListener('abort', { handleEvent: hear }); AbortSignal.any([aborting.signal]).onabort = hear; aborting.abort(); offer(aborting.signal.reason);",
    ),
  },
  'search-params-hooks': {
    body: CATCH(
      "const params = new URLSearchParams({ get a() { offer(this); return 'b'; } }); params.forEach(function (...given) { offer(this); for (const one of given) offer(one); }, params); offer(params[Symbol.iterator]());",
    ),
  },
  'clone-hooks': {
    body: CATCH(
      "class Spy { get a() { offer(this); return 1; } get [Symbol.toStringTag]() { offer(this); return 'Map'; } } offer(structuredClone(Object.assign(new Spy(), { b: new Spy() }))); const buffer = new ArrayBuffer(8); offer(structuredClone(buffer, { transfer: [buffer] }));",
    ),
  },
  'module-variable': {
    top: "{ let kept; Object.defineProperty(globalThis, '__seed_module', { configurable: true, get() { offer(new Error('x')); return kept; }, set(value) { kept = value; } }); }",
    body: "offer(Object.getOwnPropertyDescriptor(globalThis, '__seed_module'));",
  },
  'prototype-of-the-global': {
    body: CATCH(
      'Object.setPrototypeOf(globalThis, new Proxy(Object.prototype, { get(target, key, receiver) { offer(receiver); return Reflect.get(target, key, receiver); } })); new URL("http://x"); await ctx.state.get();',
    ),
  },
  'global-names-replaced': {
    body: CATCH(
      "for (const name of ['Error', 'TypeError', 'Map', 'Promise', 'Object', 'Array', 'String', 'Uint8Array', 'Symbol']) { const own = globalThis[name]; globalThis[name] = new Proxy(own, { construct(target, given, made) { for (const one of given) offer(one); return Reflect.construct(target, given, made); }, apply(target, self, given) { offer(self); for (const one of given) offer(one); return Reflect.apply(target, self, given); } }); } await ctx.state.set(1); new URL('http://x'); structuredClone(new Map()); new TextEncoder().encode('a'); try { new URL('no'); } catch (error) { offer(error); }",
    ),
  },
  'everything-reachable': {
    body: `const seen = new Set(); const queue = [globalThis, ctx, input, this, agentModule()];
      while (queue.length > 0 && seen.size < 4000) {
        const at = queue.pop();
        if ((typeof at !== 'object' && typeof at !== 'function') || at === null || seen.has(at)) continue;
        seen.add(at); offer(at);
        queue.push(Object.getPrototypeOf(at));
        for (const key of Reflect.ownKeys(at)) { const one = Object.getOwnPropertyDescriptor(at, key); queue.push(one.value, one.get, one.set); }
      }`,
    top: 'const agentModule = () => globalThis.__seed_module;',
  },
  'everything-it-answers': {
    body: `const calls = [() => ctx.now(), () => ctx.random(), () => ctx.state.get(), () => ctx.state.set({}), () => ctx.log.info('x'), () => console.log('x'), () => new URL('http://x'), () => URL.parse('http://x'), () => new URLSearchParams('a').keys(), () => new TextEncoder().encodeInto('a', new Uint8Array(4)), () => new TextDecoder().decode(new Uint8Array(1)), () => structuredClone([{}, new Date(), /x/, new Error('y')]), () => AbortSignal.abort(), () => new AbortController()];
      for (const call of calls) { try { const value = call(); offer(value); const settled = await value; offer(settled); for (const key of settled === null || typeof settled !== 'object' ? [] : Reflect.ownKeys(settled)) offer(settled[key]); } catch (error) { offer(error); } }`,
  },
  'rejection-of-the-host': {
    body: CATCH(
      "await Promise.allSettled([ctx.state.set({ big: 'x'.repeat(2_000_000) }), ctx.state.set(1n), ctx.fetch?.('http://x')]).then((all) => { for (const one of all) { offer(one); offer(one.reason); offer(one.reason?.cause); } });",
    ),
  },
  'capability-that-is-not-granted': {
    body: ['fetch', 'call', 'generate', 'tool', 'sleep', 'ask', 'db', 'host', 'runtime']
      .map((name) => CATCH(`offer(ctx.${name}); offer(await ctx.${name}?.('http://127.0.0.1:{{port}}/{{id}}'));`))
      .join('\n'),
  },
};
