// The script that turns contract.ts into data: zod and the extraction, built once from our own files, then the author's bundle.
import type { Bundle } from './artifact.ts';
import type { EsbuildService } from './esbuild-service.ts';
import { CONTRACT_KIT, MODULE_GLOBAL } from './virtual-folder.ts';

/** Export of the contract script: a function without parameters that returns what `Extracted` says. */
export const CONTRACT_ENTRY = 'extractContract';

/** zod, src/agent.ts and the extraction as one minified line or few; about 200 KB. */
export async function contractPrelude(service: EsbuildService): Promise<string> {
  const { js } = await service.build({
    stdin: {
      contents: `
        import { agent, contract, evaluation, z } from 'seed-agent/agent';
        import { extractContract } from './in-isolate/extract-contract.ts';
        globalThis.${CONTRACT_KIT} = { api: { agent, contract, evaluation, z }, extractContract };`,
      loader: 'ts',
      resolveDir: import.meta.dirname,
    },
    bundle: true,
    format: 'iife',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2024',
    charset: 'utf8',
    legalComments: 'none',
    minify: true,
    tsconfigRaw: {},
    plugins: [
      {
        name: 'one-language',
        setup(build) {
          // Messages in fifty languages are most of zod's size, and nobody reads them here.
          build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
            contents: `export { default as en } from './en.js';`,
          }));
        },
      },
    ],
  });
  return js;
}

export function wrapContract(bundle: Bundle, prelude: string): Bundle {
  const before = `${prelude.trimEnd()}\nvar ${MODULE_GLOBAL} = { ${CONTRACT_ENTRY}: () => globalThis.${CONTRACT_KIT}.extractContract(() => {\n`;
  const js = `${before}${bundle.js}return ${MODULE_GLOBAL}?.default;\n}) };\n`;
  const map = JSON.parse(bundle.map) as { mappings: string };
  const lines = before.split('\n').length - 1;
  return { js, map: JSON.stringify({ ...map, mappings: ';'.repeat(lines) + map.mappings }) };
}
