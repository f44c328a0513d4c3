// What a built script must not do, told to its author with file and line before it is tried. A courtesy, never containment:
// whoever wants to get around it can, and meets an isolate that has nothing to find.
import { parse, type Program } from 'acorn';
import { SeedError } from '#lib/error.ts';
import type { Bundle } from './artifact.ts';
import { builtExports } from './built-exports.ts';
import { forbiddenUse, isBinding } from './policy-rules.ts';
import { sourcePosition } from './stack.ts';
import { visitNodes } from './syntax-walk.ts';

/** Of the built script. */
export const MAX_BUILT_BYTES = 2_097_152;
const MAX_AST_DEPTH = 1_000;
const MAX_VIOLATIONS = 50;

export interface Violation {
  rule: string;
  message: string;
  /** Folder-relative; the built script itself where the map knows no source. */
  file: string;
  /** 1-based. */
  line: number;
  column: number;
}

export interface PolicyReport {
  ok: boolean;
  /** In the order of the script, at most 50. */
  violations: readonly Violation[];
  /** Names agent.ts exports. */
  exports: readonly string[];
  sizeBytes: number;
}

export function checkPolicy(bundle: Bundle): PolicyReport {
  const sizeBytes = Buffer.byteLength(bundle.js);
  const whole = (rule: string, message: string): PolicyReport => ({
    ok: false,
    violations: [{ rule, message, file: 'built script', line: 1, column: 1 }],
    exports: [],
    sizeBytes,
  });
  if (sizeBytes > MAX_BUILT_BYTES) return whole('size', `the built script has ${sizeBytes} bytes, at most ${MAX_BUILT_BYTES} are taken`);
  let program: Program;
  try {
    program = parse(bundle.js, { ecmaVersion: 'latest', sourceType: 'script' });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // acorn recurses, and says so when its stack is at its end.
    const deep = error instanceof RangeError || message.startsWith('Not enough stack space');
    return deep ? whole('depth', 'the built script is nested too deeply to be read') : whole('syntax', message);
  }

  const bound = new Set<string>();
  const uses: { at: number; rule: string; message: string; name?: string }[] = [];
  const deepest = visitNodes(program, MAX_AST_DEPTH, (node, parent) => {
    if (node.type === 'Identifier' && isBinding(node, parent)) bound.add(node.name);
    const use = forbiddenUse(node, parent);
    if (use !== null) uses.push({ ...use, at: node.start });
  });
  if (deepest > MAX_AST_DEPTH) return whole('depth', `the built script is nested more than ${MAX_AST_DEPTH} deep`);

  const violations = uses
    // A name the script declares somewhere is taken for its own.
    .filter((use) => use.name === undefined || !bound.has(use.name))
    .toSorted((a, b) => a.at - b.at)
    .slice(0, MAX_VIOLATIONS)
    .map(({ rule, message, at }) => ({ rule, message, ...positionOf(bundle, at) }));
  return { ok: violations.length === 0, violations, exports: builtExports(program), sizeBytes };
}

/** @throws SeedError `policy_refused` with `details: Violation[]` */
export function requirePolicy(report: PolicyReport): void {
  const [first] = report.violations;
  if (first === undefined) return;
  const more = report.violations.length > 1 ? ` (and ${report.violations.length - 1} more)` : '';
  throw new SeedError('policy_refused', `${first.file}:${first.line}:${first.column}: ${first.message}${more}`, {
    details: report.violations,
  });
}

function positionOf(bundle: Bundle, offset: number): { file: string; line: number; column: number } {
  const before = bundle.js.slice(0, offset);
  const built = { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
  return sourcePosition(bundle.map, built) ?? { file: 'built script', ...built };
}
