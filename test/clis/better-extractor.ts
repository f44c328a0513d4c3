// What the scripted server has the coding agents write: an extractor that reads every layout. It proves the way into production and
// nothing about who wrote it.

export const BETTER_EXTRACTOR = `// Reads an invoice line by its form: five layouts, six ways to write a date, four to write a sum.
import { agent, type Output } from 'seed-agent/agent';
import type contract from './contract.ts';

type Invoice = Output<typeof contract>;

interface Parts {
  number?: string | undefined;
  date?: string | undefined;
  customer?: string | undefined;
  quantity?: string | undefined;
  article?: string | undefined;
  sum?: string | undefined;
  due?: string | undefined;
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

export default agent<typeof contract>({
  handle({ line }): Invoice {
    const parts = pairs(line) ?? sentence(line) ?? pipes(line) ?? listed(line);
    const date = dateOf(parts.date);
    return {
      number: whole(parts.number),
      date,
      customer: parts.customer ?? null,
      quantity: whole(parts.quantity),
      article: parts.article ?? null,
      ...sumOf(parts.sum),
      dueDate: dueOf(parts.due, date),
    };
  },
});

function pairs(line: string): Parts | null {
  const found = /^no=(\\d+) date="([^"]*)" customer="([^"]*)" article="([^"]*)" qty=(-?\\d+) price="([^"]*)"(?: terms="([^"]*)")?$/.exec(line);
  if (found === null) return null;
  const [, number, date, customer, article, quantity, sum, due] = found;
  return { number, date, customer, article, quantity, sum, due };
}

function sentence(line: string): Parts | null {
  const found = /^Invoice (\\d+) of (.+?) to (.+): (-?\\d+) × (.+) at (.+?) each(?:, (.+))?$/.exec(line);
  if (found === null) return null;
  const [, number, date, customer, quantity, article, sum, due] = found;
  return { number, date, customer, quantity, article, sum, due };
}

function pipes(line: string): Parts | null {
  const [date, number, customer, article, quantity, sum, due] = line.split(' | ');
  if (number === undefined || !number.startsWith('#')) return null;
  return { date, number: number.slice(1), customer, article, quantity: quantity?.replace(' pcs', ''), sum, due };
}

function listed(line: string): Parts {
  const [number, date, customer, order, sum, due] = line.split(line.includes('; ') ? '; ' : '   ');
  const [, quantity, article] = /^(-?\\d+) ?x (.+)$/.exec(order ?? '') ?? [];
  return { number: number?.replace('INV-', ''), date, customer, quantity, article, sum, due };
}

function whole(text: string | undefined): number | null {
  return text !== undefined && /^-?\\d{1,9}$/.test(text) ? Number(text) : null;
}

function dateOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const iso = /^(\\d{4})[-/](\\d\\d)[-/](\\d\\d)$/.exec(text);
  if (iso !== null) return day(iso[1], iso[2], iso[3]);
  const dotted = /^(\\d\\d)\\.(\\d\\d)\\.(\\d{4})$/.exec(text);
  if (dotted !== null) return day(dotted[3], dotted[2], dotted[1]);
  const american = /^(\\d\\d)\\/(\\d\\d)\\/(\\d{4})$/.exec(text);
  if (american !== null) return day(american[3], american[1], american[2]);
  const long = /^(\\d{1,2}) ([A-Z][a-z]+) (\\d{4})$/.exec(text);
  if (long !== null) return day(long[3], month(long[2]), long[1]);
  const short = /^([A-Z][a-z]+) (\\d{1,2}), (\\d{4})$/.exec(text);
  return short === null ? null : day(short[3], month(short[1]), short[2]);
}

function day(year = '', month = '', date = ''): string {
  return [year, month.padStart(2, '0'), date.padStart(2, '0')].join('-');
}

function month(name = ''): string {
  return String(MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1);
}

function sumOf(text = ''): Pick<Invoice, 'unitPriceCents' | 'currency'> {
  const currency = /EUR|€/.test(text) ? 'EUR' : /USD|\\$/.test(text) ? 'USD' : /GBP|£/.test(text) ? 'GBP' : null;
  const amount = text.replaceAll(/[^\\d.,]/g, '');
  // Whatever stands before the last two digits separates them.
  const found = /^([\\d.,]*)[.,](\\d\\d)$/.exec(amount);
  if (found === null) return { unitPriceCents: null, currency };
  return { unitPriceCents: Number(String(found[1]).replaceAll(/[.,]/g, '') + String(found[2])), currency };
}

function dueOf(text: string | undefined, date: string | null): string | null {
  if (text === undefined) return null;
  const days = /^(?:net (\\d+)|due in (\\d+) days)$/.exec(text);
  if (days === null) return dateOf(text.replace('due ', ''));
  if (date === null) return null;
  return new Date(Date.parse(date) + Number(days[1] ?? days[2]) * 86_400_000).toISOString().slice(0, 10);
}
`;
