// Every node of a syntax tree, without recursion: a tree may be as deep as its author likes.
import type { AnyNode, Node } from 'acorn';

/**
 * Calls `visit` for each node with its parent, parents first. Stops going deeper below `maxDepth`.
 * @returns how deep the tree is, `maxDepth + 1` when it is deeper
 */
export function visitNodes(root: Node, maxDepth: number, visit: (node: AnyNode, parent: AnyNode | null) => void): number {
  const open: { node: AnyNode; parent: AnyNode | null; depth: number }[] = [{ node: root as AnyNode, parent: null, depth: 1 }];
  let deepest = 0;
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    const { node, parent, depth } = item;
    deepest = Math.max(deepest, depth);
    if (depth > maxDepth) continue;
    visit(node, parent);
    for (const value of Object.values(node)) {
      if (isNode(value)) open.push({ node: value, parent: node, depth: depth + 1 });
      else if (Array.isArray(value))
        for (const child of value) if (isNode(child)) open.push({ node: child, parent: node, depth: depth + 1 });
    }
  }
  return deepest;
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string' && 'start' in value;
}
