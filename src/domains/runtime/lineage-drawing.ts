// A lineage for people: as lines of text with its branches, and as a graph for Graphviz. Pure.
import type { LineageItem, PairedScore } from './lineage-item.ts';
import { treeLines } from './lineage-tree.ts';

type Column = readonly [heading: string, cell: (item: LineageItem) => string];

const COLUMNS: readonly Column[] = [
  ['HASH', ({ hash }) => hash?.slice(0, 12) ?? ''],
  ['PROPOSER', ({ proposer }) => proposer],
  ['STATUS', statusWords],
  ['TEST', ({ test }) => scoreWords(test)],
  ['VALIDATION', ({ validation }) => scoreWords(validation)],
  ['SELECTION', ({ selection }) => (selection === null ? '' : figure(selection))],
  ['COST', ({ costMicroUsd }) => (costMicroUsd === null ? '' : money(costMicroUsd))],
  ['APPROVED BY', ({ approvedBy }) => approvedBy ?? ''],
  ['WHY', ({ reason }) => reason],
];

/** A line for each item, the first ones first; columns in which nothing stands are left out. */
export function drawLineage(items: readonly LineageItem[]): string {
  const lines = treeLines(items);
  if (lines.length === 0) return '';
  const columns = COLUMNS.map(([heading, cell]) => [heading, ...lines.map(({ item }) => oneLine(cell(item)))]);
  const first = ['VERSION', ...lines.map(({ graph, item }) => `${graph} ${item.version === null ? '' : `v${item.version}`}`)];
  const shown = [first, ...columns.filter((cells) => cells.slice(1).some((text) => text !== ''))];
  const widths = shown.map((cells) => Math.max(...cells.map((text) => text.length)));
  return first
    .map((_, row) =>
      shown
        .map((cells, column) => padded(cells[row] ?? '', widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** In Graphviz' own language. */
export function graphOf(agent: string, items: readonly LineageItem[]): string {
  const known = new Set(items.map(({ id }) => id));
  const nodes = items.map((item) => `  ${quoted(item.id)} [label=${quoted(labelOf(item))}, ${lookOf(item)}];`);
  const edges = items.flatMap(({ id, parent }) => (parent !== null && known.has(parent) ? [`  ${quoted(parent)} -> ${quoted(id)};`] : []));
  const heading = [`digraph ${quoted(agent)} {`, '  rankdir=TB;', '  node [shape=box, fontname="monospace", style=solid];'];
  return `${[...heading, ...nodes, ...edges, '}'].join('\n')}\n`;
}

function labelOf(item: LineageItem): string {
  const { version, hash, proposer, approvedBy, costMicroUsd, test, validation, selection } = item;
  const lines = [
    [version === null ? 'candidate' : `v${version}`, hash?.slice(0, 12) ?? ''].join(' ').trim(),
    proposer,
    statusWords(item),
    test === null ? '' : `test ${scoreWords(test)}`,
    validation === null ? '' : `validation ${scoreWords(validation)}`,
    selection === null ? '' : `selection ${figure(selection)}`,
    costMicroUsd === null ? '' : money(costMicroUsd),
    approvedBy === null ? '' : `approved by ${approvedBy}`,
    version === null ? oneLine(item.reason).slice(0, 80) : '',
  ];
  return lines.filter((line) => line !== '').join('\n');
}

function lookOf({ status, kind, quarantined }: LineageItem): string {
  if (status === 'active') return 'color=darkgreen, penwidth=3';
  if (quarantined !== null) return 'color=red';
  return kind === 'candidate' ? 'color=gray, fontcolor=gray, style=dashed' : 'color=black';
}

function statusWords({ status, verdict, quarantined }: LineageItem): string {
  const word = verdict === 'rolled_back' && status !== 'active' ? verdict : status;
  return [
    word.replaceAll('_', ' '),
    ...(status === 'active' && verdict !== '' ? [verdict.replaceAll('_', ' ')] : []),
    ...(quarantined === null ? [] : ['quarantined']),
  ].join(', ');
}

function scoreWords(score: PairedScore): string {
  return score === null
    ? ''
    : `${figure(score.mean)} (${score.gain < 0 ? '' : '+'}${figure(score.gain)}, p ${Number(score.p.toPrecision(2))})`;
}

function figure(value: number): string {
  return String(Number(value.toPrecision(4)));
}

function money(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(4)}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(width - text.length);
}

function quoted(text: string): string {
  return `"${text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll(/\p{Cc}/gu, ' ')}"`;
}
