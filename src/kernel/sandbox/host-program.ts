// The host's own source without its types, taken out once here: a host that loads TypeScript itself needs three times the processor
// time to start and 40 MB more. In the published package the program is JavaScript and nothing of this happens.
import { readFileSync, writeSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { openUnlinkedFile } from './unlinked-file.ts';

let descriptor: number | undefined;

/** A descriptor of {url: JavaScript} of a program's modules, for `host-loader.mjs` to inherit. Open as long as this process lives. */
export function strippedProgram(entry: URL): number {
  if (descriptor !== undefined) return descriptor;
  const sources: Record<string, string> = {};
  const left = [entry];
  for (let url = left.pop(); url !== undefined; url = left.pop()) {
    if (sources[url.href] !== undefined) continue;
    const source = withoutTypes(readFileSync(url, 'utf8'));
    sources[url.href] = source;
    for (const [, path = ''] of source.matchAll(/^(?:import|export)\b[^'"]*?'(\.{1,2}\/[^']+)';$/gm)) left.push(new URL(path, url));
  }
  descriptor = openUnlinkedFile();
  writeSync(descriptor, JSON.stringify(sources), 0);
  return descriptor;
}

function withoutTypes(source: string): string {
  // Node says on standard error that this function is experimental, whoever calls it; nothing else is emitted in between.
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(source);
  } finally {
    process.emitWarning = emitWarning;
  }
}
