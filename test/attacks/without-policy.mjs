// Preloaded into the node that is judged: its compilations leave out the static policy, which is a courtesy to authors and must not
// be what contains an attack. Every other step of the way of a version and of a call is the product's own.
import { registerHooks } from 'node:module';

const THREAD = "new URL('./compiler-thread.ts', import.meta.url)";

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!url.endsWith('/src/kernel/compiler/threaded-compiler.ts')) return loaded;
    const source = String(loaded.source);
    if (!source.includes(THREAD)) throw new Error(`${url} no longer starts its thread by ${THREAD}`);
    const lenient = new URL('./lenient-compiler-thread.ts', import.meta.url).href;
    return { ...loaded, source: source.replace(THREAD, `new URL(${JSON.stringify(lenient)})`) };
  },
});
