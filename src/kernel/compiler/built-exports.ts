// What a built script exports, read from the call esbuild leaves in it, and whether that is what the contract lists.
import type { Program } from 'acorn';
import { SeedError } from '#lib/error.ts';
import type { ContractData } from './contract.ts';
import { visitNodes } from './syntax-walk.ts';

/** `var __seed_module = (() => { … __export(agent_exports, { default: () => …, priority: () => priority }); … })()` → names. */
export function builtExports(program: Program): string[] {
  const names: string[] = [];
  // Program → declaration → declarator → call → arrow → block → statement → call: nothing of the author's is that far up.
  visitNodes(program, 8, (node, parent) => {
    if (node.type !== 'CallExpression' || parent?.type !== 'ExpressionStatement') return;
    if (node.callee.type !== 'Identifier' || node.callee.name !== '__export') return;
    const [, members] = node.arguments;
    if (members?.type !== 'ObjectExpression') return;
    for (const member of members.properties) {
      if (member.type !== 'Property') continue;
      if (member.key.type === 'Identifier') names.push(member.key.name);
      else if (member.key.type === 'Literal') names.push(String(member.key.value));
    }
  });
  return names;
}

/** @throws SeedError `compile_failed` for the first export of the contract that agent.ts does not have */
export function requireExports(exports: readonly string[], contract: ContractData): void {
  for (const spec of contract.exports) {
    const needed = spec.kind === 'evolvable' ? spec.name : 'default';
    if (exports.includes(needed)) continue;
    const what =
      spec.kind === 'evolvable'
        ? `agent.ts does not export ${spec.name}, which its contract lists as evolvable`
        : `agent.ts has no default export with ${spec.name}, which its contract lists`;
    throw new SeedError('compile_failed', what, {
      details: [{ file: 'agent.ts', line: 0, column: 0, text: what }],
      hint: `it exports ${exports.length === 0 ? 'nothing' : exports.join(', ')}`,
    });
  }
}
