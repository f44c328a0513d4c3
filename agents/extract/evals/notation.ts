// How dates and sums are written. Every notation can be told from the others by its form alone.
import type { Invoice } from './invoice.ts';

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const SIGNS = { EUR: '€', USD: '$', GBP: '£' } as const;

export type DateNotation = 'iso' | 'slashed' | 'dotted' | 'american' | 'long' | 'short';
export type SumNotation = 'code_behind' | 'code_before' | 'sign_before' | 'continental';

/** 2025-03-04 · 2025/03/04 · 04.03.2025 · 03/04/2025 (month first) · 4 March 2025 · Mar 4, 2025 */
export function writeDate(iso: string, notation: DateNotation): string {
  const [year, month, day] = iso.split('-') as [string, string, string];
  const name = MONTHS[Number(month) - 1]!;
  switch (notation) {
    case 'iso':
      return iso;
    case 'slashed':
      return `${year}/${month}/${day}`;
    case 'dotted':
      return `${day}.${month}.${year}`;
    case 'american':
      return `${month}/${day}/${year}`;
    case 'long':
      return `${Number(day)} ${name} ${year}`;
    case 'short':
      return `${name.slice(0, 3)} ${Number(day)}, ${year}`;
  }
}

/** 1234.50 EUR · EUR 1,234.50 · €1,234.50 · 1.234,50 € */
export function writeSum({ unitPriceCents, currency }: Invoice, notation: SumNotation): string {
  const [whole, cents] = (unitPriceCents / 100).toFixed(2).split('.') as [string, string];
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  switch (notation) {
    case 'code_behind':
      return `${whole}.${cents} ${currency}`;
    case 'code_before':
      return `${currency} ${grouped}.${cents}`;
    case 'sign_before':
      return `${SIGNS[currency]}${grouped}.${cents}`;
    case 'continental':
      return `${grouped.replaceAll(',', '.')},${cents} ${SIGNS[currency]}`;
  }
}
