// Leads a stack trace of built positions back to what the author wrote.
import { SourceMap, type SourceMapPayload } from 'node:module';

const FRAME = /^(?<lead>\s*at (?:(?<name>.*?) \()?)(?<file>[^()\s]+):(?<line>\d+):(?<column>\d+)\)?$/;
/** Files of the runtime inside the isolate, of Node, and of no file. */
const OURS = /^(?:seed:|node:|<)/;
const CACHED_MAPS = 32;
const cache = new Map<string, SourceMap>();

export interface StackOptions {
  /** File name of the built script in the trace; frames of other files are dropped. Default: any but those of the runtime and of Node. */
  script?: string;
}

/**
 * The trace with `agent.ts:12:5` for each frame the map knows, and without the runtime's own frames. The message stays.
 * @param mapJson source map, version 3
 */
export function mapStack(stack: string, mapJson: string, options: StackOptions = {}): string {
  const lines: string[] = [];
  for (const line of stack.split('\n')) {
    const frame = FRAME.exec(line)?.groups;
    if (frame === undefined) {
      // The message, which may have several lines; frames without a position ("at new Promise (<anonymous>)") say nothing.
      if (!/^\s+at /.test(line)) lines.push(line);
      continue;
    }
    const { name, file, line: row, column } = frame;
    if (options.script === undefined ? OURS.test(file ?? '') : file !== options.script) continue;
    const found = sourcePosition(mapJson, { line: Number(row), column: Number(column) });
    if (found === null) continue;
    const position = `${found.file}:${found.line}:${found.column}`;
    lines.push(name === undefined || name === '' ? `    at ${position}` : `    at ${name} (${position})`);
  }
  return lines.join('\n');
}

/** 1-based position in the built script → `file:line:column`, or null where the map knows no source of the author's. */
export function sourcePosition(
  mapJson: string,
  built: { line: number; column: number },
): { file: string; line: number; column: number } | null {
  const entry = sourceMap(mapJson).findEntry(built.line - 1, built.column - 1);
  if (!('originalSource' in entry) || typeof entry.originalSource !== 'string' || !/\.(ts|json)$/.test(entry.originalSource)) return null;
  return { file: entry.originalSource, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
}

function sourceMap(json: string): SourceMap {
  const known = cache.get(json);
  const map = known ?? new SourceMap(JSON.parse(json) as SourceMapPayload);
  cache.delete(json);
  cache.set(json, map);
  const [oldest] = cache.keys();
  if (cache.size > CACHED_MAPS && oldest !== undefined) cache.delete(oldest);
  return map;
}
