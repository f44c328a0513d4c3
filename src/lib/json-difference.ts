// Where two JSON values differ, path by path: a reader sees at once what changed.

export interface JsonDifference {
  /** `items[0].size`; empty for the value itself. */
  path: string;
  /** Absent where only the other side has something. */
  before?: unknown;
  after?: unknown;
}

/** @param limit at most so many are listed, the first ones; default 100 */
export function jsonDifferences(before: unknown, after: unknown, limit = 100): JsonDifference[] {
  const found: JsonDifference[] = [];
  walk({ before, after }, '', ({ path, ...sides }) => {
    found.push({ path: path.startsWith('.') ? path.slice(1) : path, ...sides });
    return found.length < limit;
  });
  return found;
}

type Pair = Omit<JsonDifference, 'path'>;

/** @returns whether to go on */
function walk(pair: Pair, path: string, tell: (difference: JsonDifference) => boolean): boolean {
  const members = membersOf(pair);
  if (members === null) return Object.is(pair.before, pair.after) || tell({ path, ...pair });
  for (const [segment, below] of members) {
    if (!('before' in below && 'after' in below)) {
      if (!tell({ path: `${path}${segment}`, ...below })) return false;
    } else if (!walk(below, `${path}${segment}`, tell)) return false;
  }
  return true;
}

/** What both sides have below, where both are objects or both arrays. */
function membersOf({ before, after }: Pair): [segment: string, below: Pair][] | null {
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after)) return null;
  const isArray = Array.isArray(before);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].map((name) => [
    isArray ? `[${name}]` : segmentOf(name),
    {
      ...(Object.hasOwn(before, name) ? { before: before[name] } : {}),
      ...(Object.hasOwn(after, name) ? { after: after[name] } : {}),
    },
  ]);
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function segmentOf(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}
