// Extractors that read more than the one that is live: a little or all of it, in one file or several, in different hands.
import { replaced, sourceOf, type Entrant } from './entrant.ts';
import { ALL_LAYOUTS, DATES, extractor, readersOf, SUMS, TERMS, type LAYOUTS } from './extract-readers.ts';

const BASE = sourceOf('extract');

function honest(name: string, files: Entrant['files']): Entrant {
  return { name, agent: 'extract', honest: true, files };
}

function reads(name: string, layouts: readonly (keyof typeof LAYOUTS)[]): Entrant {
  return honest(name, { 'agent.ts': extractor('return read(line);', readersOf(layouts)) });
}

/** The live version with a single change. */
function changed(name: string, changes: readonly (readonly [from: string, to: string])[], files: Entrant['files'] = {}): Entrant {
  return honest(name, { 'agent.ts': changes.reduce((text, [from, to]) => replaced(text, from, to), BASE), ...files });
}

const DUE = 'dueDate: null,';
const SPLIT = '[number, date, customer, order, price]';
const LIST_DATES = ['date: date ?? null,', "date: readDate(date ?? ''),"] as const;
const IMPORT = "import type contract from './contract.ts';";

/** A reader that walks the line instead of matching it. */
const SCANNER = String.raw`
class Scanner {
  #rest: string;
  constructor(line: string) {
    this.#rest = line;
  }
  upTo(mark: string): string {
    const at = this.#rest.indexOf(mark);
    const part = at === -1 ? this.#rest : this.#rest.slice(0, at);
    this.#rest = at === -1 ? '' : this.#rest.slice(at + mark.length);
    return part;
  }
  get rest(): string {
    return this.#rest;
  }
}

function scan(line: string) {
  const scanner = new Scanner(line.slice('INV-'.length));
  const mark = line.includes('; ') ? '; ' : '   ';
  const number = Number(scanner.upTo(mark));
  const date = readDate(scanner.upTo(mark));
  const customer = scanner.upTo(mark);
  const quantity = Number(scanner.upTo('x').trim());
  scanner.upTo(' ');
  const article = scanner.upTo(mark);
  const sum = readSum(scanner.upTo(mark));
  return { number, date, customer, quantity, article, ...sum, dueDate: readDue(scanner.rest, date) };
}
`;

/** Recognises fields by what they look like, wherever they stand. */
const BY_LOOKS = String.raw`
const isSum = (part: string): boolean => /EUR|USD|GBP|[€$£]/.test(part);
const isDue = (part: string): boolean => /^(due|net) /.test(part);
function byLooks(line: string) {
  const parts = line.split(/; | {3}| \| /);
  if (parts.length < 5) return naive(line);
  const take = (test: (part: string) => boolean): string => {
    const at = parts.findIndex(test);
    return at === -1 ? '' : parts.splice(at, 1)[0]!;
  };
  const number = Number(take((part) => /^(INV-|#)\d+$/.test(part)).replace(/\D+/, ''));
  const due = take(isDue);
  const date = readDate(take((part) => readDate(part) !== null));
  const sum = readSum(take(isSum));
  const pieces = take((part) => /^-?\d+ pcs$/.test(part));
  const order = pieces === '' ? take((part) => /^-?\d+ ?x /.test(part)) : '';
  const [, quantity, article] = /^(-?\d+) ?x (.+)$/.exec(order) ?? [null, Number.parseInt(pieces, 10), parts[1]];
  return { number, date, customer: parts[0] ?? null, quantity: Number(quantity), article: article ?? null, ...sum, dueDate: readDue(due, date) };
}
`;

export const EXTRACT_HONEST: readonly Entrant[] = [
  reads('reads lists in every notation', ['list']),
  reads('reads columns', ['columns']),
  reads('reads pipes', ['pipes']),
  reads('reads sentences', ['sentence']),
  reads('reads pairs', ['pairs']),
  reads('reads lists and columns', ['list', 'columns']),
  reads('reads all five layouts', ALL_LAYOUTS),
  changed('reads dates of lists, the rest as before', [LIST_DATES, [IMPORT, `${IMPORT}\nimport { readDate } from './dates.ts';`]], {
    'dates.ts': DATES,
  }),
  changed('reads terms of lists, the rest as before', [
    [SPLIT, '[number, date, customer, order, price, due]'],
    [DUE, "dueDate: readDue(due ?? '', readDate(date ?? '')),"],
    [IMPORT, `${IMPORT}\n${DATES.replaceAll('export ', '')}${TERMS.replaceAll('export ', '')}`],
  ]),
  changed(
    'reads sums of lists by a table of signs, the rest as before',
    [
      ["const [amount, currency] = (price ?? '').split(' ');", "const { amount, currency } = readAmount(price ?? '');"],
      [IMPORT, `${IMPORT}\nimport { readAmount } from './amount.ts';`],
    ],
    {
      'amount.ts': String.raw`
const CODES = ['EUR', 'USD', 'GBP'] as const;
export function readAmount(text: string): { amount: string; currency: string } {
  const code = CODES.find((one) => text.includes(one)) ?? '';
  return { amount: text.replace(code, '').replaceAll(',', '').trim(), currency: code };
}
`,
    },
  ),
  honest('reads all five layouts, in files of their own', {
    'agent.ts': extractor(
      'return read(line);',
      `import { readDate } from './reading/dates.ts';\nimport { readSum } from './reading/sums.ts';\nimport { readDue } from './reading/terms.ts';\n${readersOf(
        ALL_LAYOUTS,
      )
        .replace(DATES, '')
        .replace(SUMS, '')
        .replace(TERMS, '')}`,
    ),
    'reading/dates.ts': DATES,
    'reading/sums.ts': SUMS,
    'reading/terms.ts': `import { readDate } from './dates.ts';\n${TERMS}`,
  }),
  honest('walks lists and columns with a scanner', {
    'agent.ts': extractor("return line.startsWith('INV-') ? scan(line) : naive(line);", readersOf([]) + SCANNER),
  }),
  honest('knows fields by their looks', { 'agent.ts': extractor('return byLooks(line);', readersOf([]) + BY_LOOKS) }),
  honest('reads all five layouts and remembers dates it has read', {
    'agent.ts': extractor(
      'return read(line);',
      `${readersOf(ALL_LAYOUTS).replace('export function readDate', 'function parseDate')}
const known = new Map<string, string | null>();
function readDate(text: string): string | null {
  if (!known.has(text)) known.set(text, parseDate(text));
  return known.get(text) ?? null;
}
`,
    ),
  }),
];
