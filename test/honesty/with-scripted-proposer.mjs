// Preloaded into the node whose gate is tried: its proposer is the scripted one. Every other step is the product's own.
import { registerHooks } from 'node:module';

const OURS = '/src/improvement/proposers/genetic/genetic.ts';

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    if (!resolved.url.endsWith(OURS)) return resolved;
    return { ...resolved, url: new URL('./scripted-proposer.ts', import.meta.url).href };
  },
});
