// What was made from what, as a tree, and as lines with its branches drawn before them. Pure.
import type { LineageItem } from './lineage-item.ts';

interface TreeNode {
  item: LineageItem;
  children: TreeNode[];
}

export interface TreeLine {
  /** Branches, and a sign for the item itself. */
  graph: string;
  item: LineageItem;
}

/** Every item once, the first ones first; what was made from something that is not there any more begins a tree of its own. */
export function treeLines(items: readonly LineageItem[]): readonly TreeLine[] {
  const nodes = new Map(items.map((item): [string, TreeNode] => [item.id, { item, children: [] }]));
  const roots: TreeNode[] = [];
  for (const node of nodes.values()) {
    const parent = node.item.parent === null ? undefined : nodes.get(node.item.parent);
    (parent === undefined ? roots : parent.children).push(node);
  }
  const live = pathTo(items.find(({ status }) => status === 'active')?.id, nodes);
  return roots.flatMap((root) => [...linesOf(root, { lead: '', below: '', live })]);
}

/** The way on stays in its column, however long it is: only what turns off is set in. */
function* linesOf(root: TreeNode, { lead, below, live }: { lead: string; below: string; live: ReadonlySet<string> }): Generator<TreeLine> {
  let node = root;
  for (let start = lead; ; start = below) {
    yield { graph: `${start}${sign(node.item)}`, item: node.item };
    const next = wayOn(node, live);
    const turns = node.children.filter((child) => child !== next);
    for (const [index, child] of turns.entries()) {
      const isLast = next === undefined && index === turns.length - 1;
      yield* linesOf(child, { lead: `${below}${isLast ? '└─' : '├─'}`, below: `${below}${isLast ? '  ' : '│ '}`, live });
    }
    if (next === undefined) return;
    node = next;
  }
}

/** Towards what is live; elsewhere to the newest version. */
function wayOn({ children }: TreeNode, live: ReadonlySet<string>): TreeNode | undefined {
  return children.find(({ item }) => live.has(item.id)) ?? children.findLast(({ item }) => item.kind === 'version');
}

function pathTo(id: string | undefined, nodes: ReadonlyMap<string, TreeNode>): ReadonlySet<string> {
  const path = new Set<string>();
  for (let at = id; at !== undefined && !path.has(at); at = nodes.get(at)?.item.parent ?? undefined) path.add(at);
  return path;
}

function sign({ status, kind }: LineageItem): string {
  if (status === 'active') return '●';
  return kind === 'version' ? '○' : status === 'open' ? '◌' : '×';
}
