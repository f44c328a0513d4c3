// The truth behind a line: an invoice with its typed fields, drawn from the vocabulary of one set.
import type { SampleSet } from 'seed-agent/agent';
import { between, chance, pick, type Random } from './draw.ts';

export interface Invoice {
  number: number;
  /** YYYY-MM-DD */
  date: string;
  customer: string;
  quantity: number;
  article: string;
  unitPriceCents: number;
  currency: 'EUR' | 'USD' | 'GBP';
  dueDate: string | null;
}

/** Payment terms in days that lines may state instead of a date. */
export const TERMS = [7, 10, 14, 30, 45, 60] as const;

/** No name is in two sets: a line that was seen in one can not come up in another. */
const CUSTOMERS: Readonly<Record<SampleSet, readonly string[]>> = {
  selection: [
    'Nordwind GmbH',
    'Acme Ltd',
    'Blue Harbor Inc',
    'Casa Verde',
    'Lindqvist & Sons',
    'Atelier 9',
    "O'Leary Foods",
    'Hansen, Bauer AG',
  ],
  validation: [
    'Sonnenhof KG',
    'Pine Street Books',
    'Marchetti S.p.A.',
    'Vega Labs',
    'Dubois et Fils',
    'Studio 54 North',
    "D'Angelo Wines",
    'Kim, Park Co',
  ],
  test: [
    'Alpenblick OHG',
    'Riverside Clinic',
    'Novak d.o.o.',
    'Quantum Bikes',
    'Ferreira Irmãos',
    'Block 17 Coffee',
    "McArthur's Garage",
    'Weber, Voss GbR',
  ],
};

const ARTICLES: Readonly<Record<SampleSet, readonly string[]>> = {
  selection: ['Desk lamp', 'A4 paper', 'USB-C cable 2 m', 'Office chair', 'Whiteboard marker', 'Filter 3-pack', 'Toner black'],
  validation: ['Wall clock', 'A3 folder', 'HDMI adapter 4K', 'Standing desk', 'Correction pen', 'Battery 8-pack', 'Label roll'],
  test: ['Floor mat', 'A5 notebook', 'LAN cable 15 m', 'Filing cabinet', 'Highlighter set', 'Envelope 50-pack', 'Drum unit'],
};

/** `rare` is the share of the unusual: credit notes, large sums, single pieces. */
export function drawInvoice(set: SampleSet, rare: number, random: Random): Invoice {
  const date = new Date(Date.UTC(between(2021, 2026, random), 0, between(1, 365, random)));
  const quantity = chance(rare, random) ? pick([1, 1, -1, -2, -5], random) : between(2, 40, random);
  const large = chance(rare, random);
  return {
    number: between(1_000, 99_999, random),
    date: isoDate(date),
    customer: pick(CUSTOMERS[set], random),
    quantity,
    article: pick(ARTICLES[set], random),
    unitPriceCents: large ? between(100_000, 9_999_999, random) : between(50, 29_999, random),
    currency: pick(['EUR', 'EUR', 'USD', 'GBP'] as const, random),
    dueDate: chance(0.25, random) ? daysAfter(isoDate(date), pick(TERMS, random)) : null,
  };
}

export function daysAfter(date: string, days: number): string {
  return isoDate(new Date(Date.parse(date) + days * 86_400_000));
}

function isoDate(date: Date): string {
  return date.toISOString().slice(0, 10);
}
