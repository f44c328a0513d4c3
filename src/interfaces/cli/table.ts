// Data for people: a table for a list, aligned lines for one thing.
import { cut, padEnd, padStart, printable, printableLines, textWidth, wrap } from './text-width.ts';

export interface Layout {
  /** Columns of the terminal; without it nothing is cut. */
  width?: number | undefined;
  /** How a heading is set off. Default: not at all. */
  heading?: (text: string) => string;
}

type Row = Readonly<Record<string, unknown>>;

const GAP = 2;
const NARROWEST = 6;
/** Of a hash people need its beginning, which is also all that a command needs. */
const HASH = /^([0-9a-f]{12})[0-9a-f]{52}$/;
const TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/;

/** Headings in capitals, numbers to the right, two spaces between; cut at the widest columns where it does not fit. */
export function renderTable(rows: readonly unknown[], columns: readonly string[] | undefined, layout: Layout = {}): string {
  const records = rows.map((row) => (isRecord(row) ? row : { value: row }));
  const names = presentColumns(records, columns);
  const headings = names.map((name) =>
    printable(name)
      .replaceAll('_', ' ')
      .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
      .toUpperCase(),
  );
  const cells = records.map((row) => names.map((name) => cell(row[name])));
  const numeric = names.map((name) =>
    records.every((row) => row[name] === null || row[name] === undefined || typeof row[name] === 'number'),
  );
  const natural = names.map((_, index) => Math.max(textWidth(headings[index] ?? ''), ...cells.map((row) => textWidth(row[index] ?? ''))));
  const widths = fit(natural, layout.width);
  const line = (values: readonly string[]): string =>
    values
      .map((value, index) => {
        const width = widths[index] ?? 0;
        const text = cut(value, width);
        if (numeric[index] === true) return padStart(text, width);
        return index === values.length - 1 ? text : padEnd(text, width);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const heading = layout.heading ?? ((text: string) => text);
  return [heading(line(headings)), ...cells.map(line)].map((text) => `${text}\n`).join('');
}

/** One thing: a line for each scalar (`memory.rss_bytes` for what is nested), then a table for each list of things. */
export function renderRecord(value: unknown, layout: Layout = {}): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value === '' ? '' : `${printableLines(value).replace(/\n$/, '')}\n`;
  if (Array.isArray(value))
    return value.length === 0 ? '' : value.some(isRecord) ? renderTable(value, undefined, layout) : lines(value.map(cell));
  if (!isRecord(value)) return `${cell(value)}\n`;
  const scalars: [string, string][] = [];
  const blocks: string[] = [];
  collect(value, '', { scalars, blocks, layout });
  const width = Math.max(0, ...scalars.map(([name]) => textWidth(name)));
  const room = layout.width === undefined ? undefined : Math.max(20, layout.width - width - GAP);
  const block = scalars.map(
    ([name, text]) =>
      `${padEnd(name, width)}${' '.repeat(GAP)}${room === undefined ? text : wrap(text, room).replaceAll('\n', `\n${' '.repeat(width + GAP)}`)}`,
  );
  return [lines(block), ...blocks].filter((part) => part !== '').join('\n');
}

/** One value in one cell. */
export function cell(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
  if (typeof value === 'string') return printable(value.replace(TIME, '$1 $2Z').replace(HASH, '$1'));
  if (Array.isArray(value) && value.every((item) => item === null || typeof item !== 'object')) return value.map(cell).join(', ') || '-';
  return printable(JSON.stringify(value));
}

export function isRecord(value: unknown): value is Row {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

interface Collection {
  scalars: [string, string][];
  blocks: string[];
  layout: Layout;
}

function collect(record: Row, prefix: string, collection: Collection): void {
  for (const [key, value] of Object.entries(record)) {
    const name = printable(prefix + key);
    if (isRecord(value) && Object.keys(value).length > 0) collect(value, `${prefix}${key}.`, collection);
    else if (Array.isArray(value) && value.length > 0 && value.every(isRecord)) {
      collection.blocks.push(`${name}\n${indent(renderTable(value, undefined, narrower(collection.layout)))}`);
    } else if (typeof value === 'string' && value.trimEnd().includes('\n')) {
      collection.blocks.push(`${name}\n${indent(`${printableLines(value.trimEnd())}\n`)}`);
    } else collection.scalars.push([name, isRecord(value) ? '-' : cell(value)]);
  }
}

/** The columns that are asked for, less those that no row has; or everything that fits into a cell. */
function presentColumns(rows: readonly Row[], columns: readonly string[] | undefined): readonly string[] {
  const all = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const asked = columns?.filter((name) => rows.length === 0 || all.includes(name));
  if (asked !== undefined && asked.length > 0) return asked;
  const simple = all.filter((name) => rows.every((row) => !isRecord(row[name])));
  return simple.length > 0 ? simple : all;
}

/** Take columns away from the widest until the line fits; too many columns for the terminal run over. */
function fit(natural: readonly number[], width: number | undefined): readonly number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let excess = widths.reduce((sum, one) => sum + one + GAP, -GAP) - width;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) break;
    const second = Math.max(NARROWEST, ...widths.filter((one) => one < widest));
    const at = widths.indexOf(widest);
    const less = Math.max(1, Math.min(excess, widest - second));
    widths[at] = widest - less;
    excess -= less;
  }
  return widths;
}

function narrower(layout: Layout): Layout {
  return layout.width === undefined ? layout : { ...layout, width: layout.width - GAP };
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, ' '.repeat(GAP));
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
