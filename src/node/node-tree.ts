// The tree of the node as it runs now.
import { describeTree } from '#kernel/supervisor/root-link.ts';
import type { Parts } from './parts.ts';
import { withMemory } from './process-tree.ts';

/** With the memory of every process in it. */
export async function nodeTree(parts: Parts) {
  const { root, info } = parts.ground;
  const node = parts.get('node').describe();
  const startedAt = new Date(info.startedAtMs).toISOString();
  const whole = describeTree(node, { root, pid: process.pid, startedAt });
  return withMemory(whole);
}

/** Begins to count anew. @returns how many restarts had been counted in the whole tree */
export function resetRestarts(parts: Parts): number {
  const node = parts.get('node');
  const counted = restartsOf(node.describe());
  node.resetRestarts();
  return counted;
}

function restartsOf(description: { restarts: number; children?: readonly { restarts: number }[] }): number {
  return description.restarts + (description.children ?? []).reduce((sum, child) => sum + restartsOf(child), 0);
}
