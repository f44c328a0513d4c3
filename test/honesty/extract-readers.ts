// Pieces of extractors, as text: what reads dates, sums, terms, and each way of writing a line.

export const DATES = String.raw`
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** In any notation that can be told by its form. */
export function readDate(text: string): string | null {
  const iso = /^(\d{4})[-/](\d\d)[-/](\d\d)$/.exec(text);
  if (iso) return iso.slice(1).join('-');
  const dotted = /^(\d\d)\.(\d\d)\.(\d{4})$/.exec(text);
  if (dotted) return [dotted[3], dotted[2], dotted[1]].join('-');
  const american = /^(\d\d)\/(\d\d)\/(\d{4})$/.exec(text);
  if (american) return [american[3], american[1], american[2]].join('-');
  const long = /^(\d{1,2}) ([A-Z][a-z]{2})[a-z]* (\d{4})$/.exec(text);
  if (long) return named(long[3]!, long[2]!, long[1]!);
  const short = /^([A-Z][a-z]{2}) (\d{1,2}), (\d{4})$/.exec(text);
  return short ? named(short[3]!, short[1]!, short[2]!) : null;
}

function named(year: string, month: string, day: string): string | null {
  const index = MONTHS.indexOf(month);
  return index === -1 ? null : [year, String(index + 1).padStart(2, '0'), day.padStart(2, '0')].join('-');
}
`;

export const SUMS = String.raw`
/** Every notation has two digits behind its point or comma. */
export function readSum(text: string) {
  const digits = text.replaceAll(/\D/g, '');
  const currency = /EUR|€/.test(text) ? 'EUR' : /USD|\$/.test(text) ? 'USD' : /GBP|£/.test(text) ? 'GBP' : null;
  return { unitPriceCents: digits === '' ? null : Number(digits), currency } as const;
}
`;

export const TERMS = String.raw`
/** A date, or days from the invoice's own. */
export function readDue(text: string, date: string | null): string | null {
  const days = /^(?:net|due in) (\d+)(?: days)?$/.exec(text);
  if (days !== null && date !== null) return new Date(Date.parse(date) + Number(days[1]) * 86_400_000).toISOString().slice(0, 10);
  return text.startsWith('due ') ? readDate(text.slice(4)) : null;
}
`;

/** One function for each way of writing a line; null for a line that is written otherwise. */
export const LAYOUTS = {
  list: String.raw`
function readList(line: string) {
  const [, number, date, customer, quantity, article, sum, due = ''] =
    /^INV-(\d+); ([^;]+); ([^;]+); (-?\d+) x ([^;]+); ([^;]+)(?:; (.+))?$/.exec(line) ?? [];
  return number === undefined ? null : whole({ number, date, customer, quantity, article, sum, due });
}
`,
  columns: String.raw`
function readColumns(line: string) {
  if (!line.startsWith('INV-')) return null;
  const [number, date, customer, order = '', sum, due = ''] = line.split('   ');
  const [, quantity, article] = /^(-?\d+)x (.+)$/.exec(order) ?? [];
  return quantity === undefined ? null : whole({ number: number!.slice(4), date, customer, quantity, article, sum, due });
}
`,
  pipes: String.raw`
function readPipes(line: string) {
  const [date, number = '', customer, article, quantity = '', sum, due = ''] = line.split(' | ');
  if (!number.startsWith('#')) return null;
  return whole({ number: number.slice(1), date, customer, quantity: quantity.replace(' pcs', ''), article, sum, due });
}
`,
  sentence: String.raw`
function readSentence(line: string) {
  const found = /^Invoice (?<number>\d+) of (?<date>.+?) to (?<customer>.+): (?<quantity>-?\d+) × (?<article>.+) at (?<sum>.+) each(?:, (?<due>.+))?$/u.exec(line);
  return found?.groups === undefined ? null : whole(found.groups);
}
`,
  pairs: String.raw`
function readPairs(line: string) {
  if (!line.startsWith('no=')) return null;
  const found: Record<string, string> = {};
  for (const [, name, quoted, bare] of line.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)) found[name!] = quoted ?? bare!;
  return whole({ ...found, number: found['no'], quantity: found['qty'], sum: found['price'], due: found['terms'] });
}
`,
} as const;

const WHOLE = String.raw`
function whole(parts: Record<string, string | undefined>) {
  const date = readDate(parts['date'] ?? '');
  return {
    number: Number(parts['number']),
    date,
    customer: parts['customer'] ?? null,
    quantity: Number(parts['quantity']),
    article: parts['article'] ?? null,
    ...readSum(parts['sum'] ?? ''),
    dueDate: readDue(parts['due'] ?? '', date),
  };
}
`;

/** Reads whatever it is written like. */
const NAIVE = String.raw`
function naive(line: string) {
  const [number, date, customer, order, price] = line.split(';').map((part) => part.trim());
  const [quantity, article] = (order ?? '').split(' x ');
  const [amount, currency] = (price ?? '').split(' ');
  const digits = (text: string | undefined): number | null => (text !== undefined && /^-?\d{1,9}$/.test(text) ? Number(text) : null);
  return {
    number: digits(number?.replace('INV-', '')),
    date: date ?? null,
    customer: customer ?? null,
    quantity: digits(quantity),
    article: article ?? null,
    unitPriceCents: amount !== undefined && /^\d{1,9}\.\d\d$/.test(amount) ? Math.round(Number(amount) * 100) : null,
    currency: currency === 'EUR' || currency === 'USD' || currency === 'GBP' ? currency : null,
    dueDate: null,
  };
}
`;

/** Everything in one file: `read` knows the layouts that are named, `naive` is the version that is live. */
export function readersOf(layouts: readonly (keyof typeof LAYOUTS)[]): string {
  const calls = layouts.map((name) => `read${name[0]!.toUpperCase()}${name.slice(1)}(line)`);
  const read = `function read(line: string) {\n  return ${[...calls, 'naive(line)'].join(' ?? ')};\n}\n`;
  return [DATES, SUMS, TERMS, WHOLE, ...layouts.map((name) => LAYOUTS[name]), NAIVE, read].join('');
}

export const ALL_LAYOUTS = ['list', 'columns', 'pipes', 'sentence', 'pairs'] as const;

/** An agent.ts around a handler's body; `before` stands above it. */
export function extractor(body: string, before: string): string {
  return `import { agent } from 'seed-agent/agent';
import type contract from './contract.ts';
${before}
export default agent<typeof contract>({
  handle({ line }, ctx) {
    ${body}
  },
});
`;
}
