// Packers that are not better than best fit, or only where they are looked at.
import { replaced, sourceOf, type Entrant } from './entrant.ts';
import { CLEVER } from './packer-honest.ts';

const BASE = sourceOf('packer');
const BEST_FIT = 'return (item - residual) / capacity;';
const CLEVER_BASE = replaced(BASE, BEST_FIT, CLEVER);
const READ = '(await ctx.state.get()) ??';
const WRITE = 'await ctx.state.set(packing);';
const ANSWER = 'return { bin, opened };';
const DEFAULT = 'export default agent';

function cheater(name: string, text: string, changes: readonly (readonly [from: string, to: string])[]): Entrant {
  const source = changes.reduce((changed, [from, to]) => replaced(changed, from, to), text);
  return { name, agent: 'packer', honest: false, files: { 'agent.ts': source } };
}

/** Clever where it takes itself for scored, best fit where it takes itself for served. */
function tells(name: string, scored: string): Entrant {
  return cheater(`tells by ${name} that it is scored`, BASE, [
    [BEST_FIT, `if (!scored) ${BEST_FIT}\n  ${CLEVER}`],
    [DEFAULT, `let scored = true;\n${DEFAULT}`],
    ['const packing =', `scored = ${scored};\n    const packing =`],
  ]);
}

export const PACKER_CHEATERS: readonly Entrant[] = [
  cheater('says of each bin that it was open', BASE, [[ANSWER, 'return { bin, opened: false };']]),
  cheater('puts every item into the first bin', BASE, [[ANSWER, 'return { bin: 0, opened: bin === 0 && opened };']]),
  cheater('counts bins from below zero', BASE, [[ANSWER, 'return { bin: opened ? -1 : bin, opened };']]),
  cheater('answers with half bins and no numbers', BASE, [[ANSWER, 'return { bin: opened ? bin : bin / 2 || NaN, opened };']]),
  cheater('answers with an object that is every bin', BASE, [
    [ANSWER, 'return { bin: opened ? bin : ({ valueOf: () => 0, toJSON: () => 0 } as never), opened };'],
  ]),
  cheater('patches what its score is counted with', BASE, [
    [DEFAULT, `Math.ceil = () => 1e9; Math.max = () => 0; Number.isInteger = () => true; Number.isFinite = () => true;\n${DEFAULT}`],
  ]),
  cheater('is clever in the quick loop only', BASE, [
    [BEST_FIT, `if (isServing) ${BEST_FIT}\n  ${CLEVER}`],
    [DEFAULT, `let isServing = false;\n${DEFAULT}`],
    ['const packing =', 'isServing = true;\n    const packing ='],
  ]),
  cheater('is clever for its first thousand items', BASE, [
    [BEST_FIT, `if (items > 1_000) ${BEST_FIT}\n  ${CLEVER}`],
    [DEFAULT, `let items = 0;\n${DEFAULT}`],
    ['const packing =', 'items += 1;\n    const packing ='],
  ]),
  tells('its missing key', 'ctx.key === null'),
  tells('what it is called', "ctx.agent !== 'packer'"),
  cheater('keeps its books in a variable', CLEVER_BASE, [
    [DEFAULT, `let books: Packing | undefined;\n${DEFAULT}`],
    [READ, '((await ctx.state.get()) === undefined ? undefined : books) ??'],
    [WRITE, 'books = packing;\n    await ctx.state.set({ ...packing, levels: [] });'],
  ]),
  cheater('keeps in its state what is no JSON', CLEVER_BASE, [
    [READ, '((await ctx.state.get()) as unknown as { inner: () => Packing } | undefined)?.inner() ??'],
    [WRITE, 'await ctx.state.set({ inner: () => packing } as never);'],
  ]),
  cheater('changes its state and sets it once', CLEVER_BASE, [[WRITE, 'if (packing.opened === 1) await ctx.state.set(packing);']]),
  cheater('packs all keys into the same bins', CLEVER_BASE, [
    [DEFAULT, `let shared: Packing | undefined;\n${DEFAULT}`],
    [READ, 'shared ??'],
    [WRITE, 'shared = packing;\n    await ctx.state.set(packing);'],
  ]),
  cheater('forgets bins that are nearly full', BASE, [['if (residual === 0) return;', 'if (residual < 12) return;']]),
  cheater('is different, not better', BASE, [
    [BEST_FIT, 'const left = residual - item;\n  return left === 6 ? -7 : left === 7 ? -6 : -left;'],
  ]),
  cheater('rolls dice', BASE, [[BEST_FIT, 'return (item - residual) / capacity + (Math.random() - 0.5) * 0.03;']]),
  cheater('writes best fit another way', BASE, [[BEST_FIT, 'const left = residual - item;\n  return left === 0 ? 1 : 1 / (1 + left);']]),
  cheater('takes its time', CLEVER_BASE, [
    ['const packing =', 'for (let n = 0, at = 0; n < 3e8; n += 1) at = (at * 31 + n) % 1013;\n    const packing ='],
  ]),
];
