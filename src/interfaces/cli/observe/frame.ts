// One picture of the node as lines of text, no wider and no more than there is room for. Pure.
import { formatDuration } from '#lib/duration.ts';
import { cut, padEnd, padStart, printable } from '../text-width.ts';
import { numberOf, textOf, type Snapshot, type TreeRow } from './snapshot.ts';

export interface FrameOptions {
  width: number;
  height: number;
  /** Path of the chosen child. */
  chosen: string;
  /** Above the last line: what was asked or answered last. */
  message: string;
  paused: boolean;
  /** Styles of a terminal that has them; identity otherwise. */
  style: (name: 'bold' | 'dim' | 'inverse' | 'red' | 'yellow', text: string) => string;
}

const KEYS = '↑↓ choose   r restart   s stop   p pause   q quit';
/** The tree is given what the other parts leave, but never less. */
const MIN_TREE = 6;

export function frame(snapshot: Snapshot, options: FrameOptions): readonly string[] {
  const { width, height, style, message, paused } = options;
  const head = [
    style('bold', cut(headline(snapshot), width)),
    style('dim', cut(`${snapshot.memoryMb} MB in all processes · ${snapshot.queueDepth} in the queue${paused ? ' · PAUSED' : ''}`, width)),
    '',
  ];
  const foot = [style('yellow', cut(printable(message), width)), style('dim', cut(KEYS, width))];
  const below = [...section('hosts', hostLines(snapshot), options), ...section('calls', callLines(snapshot), options)];
  const room = height - head.length - foot.length;
  const treeRoom = Math.max(Math.min(MIN_TREE, room), room - below.length);
  const tree = treeLines(snapshot, treeRoom, options);
  const body = [...tree, ...below].slice(0, Math.max(0, room));
  const filler = Array.from({ length: Math.max(0, room - body.length) }, () => '');
  // A terminal that is too low for everything keeps the keys.
  return [...head, ...body, ...filler, ...foot].slice(-Math.max(1, height));
}

function headline({ node, version, uptimeSeconds }: Snapshot): string {
  return printable(`${node}   seed-agent ${version}   up ${formatDuration(uptimeSeconds * 1000)}`);
}

/** The chosen child is always among them. */
function treeLines({ tree }: Snapshot, room: number, options: FrameOptions): readonly string[] {
  const { width, style, chosen } = options;
  const nameWidth = Math.max(5, ...tree.map(({ depth, name }) => depth * 2 + name.length));
  const heading = style('dim', cut(row(['CHILD', 'STATUS', 'PID', 'UPTIME', 'RESTARTS', 'MEMORY', 'LAST EXIT'], nameWidth), width));
  const at = Math.max(
    0,
    tree.findIndex(({ path }) => path === chosen),
  );
  const visible = Math.max(1, room - 2);
  const from = Math.max(0, Math.min(at - Math.floor(visible / 2), tree.length - visible));
  const lines = tree.slice(from, from + visible).map((child) => {
    const text = padEnd(cut(row(cells(child), nameWidth), width), width);
    if (child.path === chosen) return style('inverse', text);
    return child.status === 'running' ? text : style('red', text);
  });
  return [heading, ...lines, ''].slice(0, room);
}

function cells(child: TreeRow): readonly string[] {
  return [
    `${'  '.repeat(child.depth)}${printable(child.name)}`,
    printable(child.status),
    child.pid === null ? '' : String(child.pid),
    child.uptimeSeconds === null ? '' : formatDuration(child.uptimeSeconds * 1000),
    child.restarts === 0 ? '' : String(child.restarts),
    child.memoryMb === null ? '' : `${child.memoryMb} MB`,
    printable(child.lastExit ?? ''),
  ];
}

function row(
  [name = '', status = '', pid = '', uptime = '', restarts = '', memory = '', last = '']: readonly string[],
  nameWidth: number,
): string {
  return [
    padEnd(name, nameWidth),
    padEnd(status, 10),
    padStart(pid, 8),
    padStart(uptime, 9),
    padStart(restarts, 8),
    padStart(memory, 8),
    last,
  ].join('  ');
}

function section(title: string, lines: readonly string[], { width, style }: FrameOptions): readonly string[] {
  if (lines.length <= 1) return [];
  const [heading = '', ...rest] = lines;
  return [style('dim', cut(`${padEnd(title.toUpperCase(), 14)}${heading}`, width)), ...rest.map((line) => cut(line, width)), ''];
}

function hostLines({ hosts }: Snapshot): readonly string[] {
  const columns = ['pid', 'isolates', 'executing', 'calls', 'versions', 'memory_mb', 'lag_ms'];
  return table('host', columns, hosts);
}

function callLines({ calls }: Snapshot): readonly string[] {
  return table('agent', ['version', 'per_second', 'p95_ms', 'error_rate', 'in_flight', 'waiting'], calls);
}

function table(name: string, columns: readonly string[], rows: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  const heading = columns.map((column) => padStart(column.replaceAll('_', ' '), 11)).join('');
  const lines = rows.map(
    (one) => `${padEnd(cut(printable(textOf(one[name])), 13), 14)}${columns.map((column) => padStart(figure(one[column]), 11)).join('')}`,
  );
  return [heading, ...lines];
}

function figure(value: unknown): string {
  const number = numberOf(value);
  return number === null ? '–' : String(Math.round(number * 100) / 100);
}
