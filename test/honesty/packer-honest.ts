// Packers that need truly fewer bins than best fit, in different hands: what they share is that they leave no gap which hardly any item
// fits into.
import { replaced, sourceOf, type Entrant } from './entrant.ts';

const BASE = sourceOf('packer');
const BEST_FIT = '  return (item - residual) / capacity;';
const FUNCTION = `export function priority(item: number, residual: number, capacity: number): number {\n${BEST_FIT}\n}`;

export const CLEVER = 'const left = residual - item;\n  return left <= 2 || left >= 20 ? -left : -1000 - left;';

function honest(
  name: string,
  body: string,
  more: { before?: string; files?: Entrant['files']; change?: (text: string) => string } = {},
): Entrant {
  const { before = '', files = {}, change = (text) => text } = more;
  return { name, agent: 'packer', honest: true, files: { 'agent.ts': before + change(replaced(BASE, BEST_FIT, `  ${body}`)), ...files } };
}

/** The whole function is written anew. */
function anew(name: string, text: string): Entrant {
  return { name, agent: 'packer', honest: true, files: { 'agent.ts': replaced(BASE, FUNCTION, text) } };
}

export const PACKER_HONEST: readonly Entrant[] = [
  honest('leaves nothing between 3 and 19', CLEVER),
  honest(
    'leaves nothing between 3 and 15: a small gain',
    'const left = residual - item;\n  return left <= 2 || left >= 16 ? -left : -1000 - left;',
  ),
  honest(
    'leaves nothing between 4 and 27',
    'const left = residual - item;\n  if (left > 3 && left < 28) return -1000 - left;\n  return -left;',
  ),
  honest(
    'asks a file of its own which gaps are useful',
    'return useful(residual - item) ? item - residual : item - residual - capacity * 10;',
    {
      before: "import { useful } from './gaps.ts';\n",
      files: {
        'gaps.ts': `/** What is left of a bin can still be filled, or is too little to be missed. */
export const useful = (gap: number): boolean => gap <= SMALL || gap >= LARGE;
const SMALL = 4;
const LARGE = 22;
`,
      },
    },
  ),
  honest(
    'keeps large items from leaving gaps',
    'const left = residual - item;\n  return left > 2 && left < 20 && item > 20 ? -500 - left : -left;',
  ),
  honest(
    'prefers gaps along a wave',
    'const left = residual - item;\n  return 50 * Math.cos((2 * Math.PI * Math.min(left, 25)) / 25) - left;',
  ),
  honest(
    'fades with the gap and begins again',
    'const left = residual - item;\n  return Math.exp(-left / 5) + (left > 20 ? 0.5 - left / 1000 : 0);',
  ),
  honest(
    'has a table of small gaps',
    'const left = residual - item;\n  return [100, 60, 40, 10][left] ?? (left < 20 ? left - 300 : -left);',
  ),
  honest('takes the widest of bad gaps', 'const left = residual - item;\n  return left <= 3 || left >= 30 ? -left : left - 1000;'),
  honest(
    'counts gaps in shares of the bin',
    'const share = (residual - item) / capacity;\n  const isWaste = share > 0.06 && share < 0.3;\n  return isWaste ? -10 - share : -share;',
  ),
  anew(
    'works its preferences out once for each capacity',
    `const preferences = new Map<number, Float64Array>();

export const priority = (item: number, residual: number, capacity: number): number => {
  let table = preferences.get(capacity);
  if (table === undefined) {
    table = Float64Array.from({ length: capacity + 1 }, (_, gap) => (gap <= 3 || gap >= 0.28 * capacity ? 0 : -capacity * 10) - gap);
    preferences.set(capacity, table);
  }
  return table[residual - item] ?? -Infinity;
};`,
  ),
  honest('rewrites its books too', 'const left = residual - item;\n  return left <= 5 || left >= 25 ? -left : -1000 - left;', {
    change: (text) =>
      replaced(
        text,
        `  let at = levels.findIndex((level) => level.residual >= residual);
  if (at === -1) at = levels.length;
`,
        `  let at = 0;
  for (let above = levels.length; at < above; ) {
    const middle = (at + above) >> 1;
    if (levels[middle]!.residual < residual) at = middle + 1;
    else above = middle;
  }
`,
      ),
  }),
];
