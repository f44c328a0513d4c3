// The host's own source without its types, taken out once here: a host that loads TypeScript itself needs three times the processor
// time to start and 40 MB more. In the published package the program is JavaScript and nothing of this happens.
import { readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { openUnlinkedFile } from './unlinked-file.ts';

const programs = new Map<string, string>();

/**
 * A file of {url: JavaScript} of a program's modules, for `host-loader.mjs` to inherit. Each host has its own: one that an attacker
 * has taken over could write into it.
 * @returns a descriptor for the caller to close
 */
export function strippedProgram(entry: URL): number {
  const program = programs.get(entry.href) ?? stripped(entry);
  programs.set(entry.href, program);
  const descriptor = openUnlinkedFile();
  writeFileSync(descriptor, program);
  return descriptor;
}

function stripped(entry: URL): string {
  const sources: Record<string, string> = {};
  const left = [entry];
  for (let url = left.pop(); url !== undefined; url = left.pop()) {
    if (sources[url.href] !== undefined) continue;
    const source = withoutTypes(readFileSync(url, 'utf8'));
    sources[url.href] = source;
    for (const [, path = ''] of source.matchAll(/^(?:import|export)\b[^'"]*?'(\.{1,2}\/[^']+)';$/gm)) left.push(new URL(path, url));
  }
  return JSON.stringify(sources);
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
