// How a line is put together: five layouts, each with the notations that go with it.
import { chance, pick, weighted, type Random } from './draw.ts';
import { TERMS, daysAfter, type Invoice } from './invoice.ts';
import { writeDate, writeSum, type DateNotation, type SumNotation } from './notation.ts';

export type LayoutName = 'list' | 'columns' | 'pipes' | 'sentence' | 'pairs';

interface Notations {
  date: DateNotation;
  sum: SumNotation;
  /** How it says when it is due; empty where it does not. */
  due: string;
}

const LAYOUTS: Readonly<Record<LayoutName, (invoice: Invoice, notations: Notations) => string>> = {
  /** INV-10233; 2025-03-04; Nordwind GmbH; 3 x Desk lamp; 24.50 EUR */
  list: (invoice, { date, sum, due }) =>
    joined('; ', [
      `INV-${invoice.number}`,
      writeDate(invoice.date, date),
      invoice.customer,
      `${invoice.quantity} x ${invoice.article}`,
      writeSum(invoice, sum),
      due,
    ]),
  /** INV-10233   04.03.2025   Nordwind GmbH   3x Desk lamp   24,50 € */
  columns: (invoice, { date, sum, due }) =>
    joined('   ', [
      `INV-${invoice.number}`,
      writeDate(invoice.date, date),
      invoice.customer,
      `${invoice.quantity}x ${invoice.article}`,
      writeSum(invoice, sum),
      due,
    ]),
  /** 2025/03/04 | #10233 | Nordwind GmbH | Desk lamp | 3 pcs | EUR 24.50 | due 2025/04/03 */
  pipes: (invoice, { date, sum, due }) =>
    joined(' | ', [
      writeDate(invoice.date, date),
      `#${invoice.number}`,
      invoice.customer,
      invoice.article,
      `${invoice.quantity} pcs`,
      writeSum(invoice, sum),
      due,
    ]),
  /** Invoice 10233 of 4 March 2025 to Nordwind GmbH: 3 × Desk lamp at $24.50 each, net 30 */
  sentence: (invoice, { date, sum, due }) =>
    joined(', ', [
      `Invoice ${invoice.number} of ${writeDate(invoice.date, date)} to ${invoice.customer}: ${invoice.quantity} × ${invoice.article} at ${writeSum(invoice, sum)} each`,
      due,
    ]),
  /** no=10233 date=2025-03-04 customer="Nordwind GmbH" article="Desk lamp" qty=3 price="EUR 24.50" terms="net 30" */
  pairs: (invoice, { date, sum, due }) =>
    joined(' ', [
      `no=${invoice.number} date="${writeDate(invoice.date, date)}" customer="${invoice.customer}" article="${invoice.article}"`,
      `qty=${invoice.quantity} price="${writeSum(invoice, sum)}"`,
      due === '' ? '' : `terms="${due}"`,
    ]),
};

/** First the usual notation of the layout, then the others it is seen with. */
const DATES: Readonly<Record<LayoutName, readonly [DateNotation, ...DateNotation[]]>> = {
  list: ['iso', 'dotted', 'slashed'],
  columns: ['dotted', 'iso', 'american'],
  pipes: ['slashed', 'iso', 'short'],
  sentence: ['long', 'short', 'iso'],
  pairs: ['iso', 'american', 'slashed'],
};
const SUMS: Readonly<Record<LayoutName, readonly [SumNotation, ...SumNotation[]]>> = {
  list: ['code_behind', 'code_before'],
  columns: ['continental', 'sign_before'],
  pipes: ['code_before', 'continental'],
  sentence: ['sign_before', 'code_behind'],
  pairs: ['code_before', 'sign_before'],
};

/** `rare` is the share of notations that are unusual for their layout. */
export function writeLine(
  invoice: Invoice,
  { layouts, rare }: { layouts: Readonly<Record<LayoutName, number>>; rare: number },
  random: Random,
): string {
  const layout = weighted(layouts, random);
  const usual = <Name>([first, ...others]: readonly [Name, ...Name[]]): Name => (chance(rare, random) ? pick(others, random) : first);
  const date = usual(DATES[layout]);
  const sum = usual(SUMS[layout]);
  return LAYOUTS[layout](invoice, { date, sum, due: writeDue(invoice, date, random) });
}

/** A date in the line's own notation, or the days that are left. */
function writeDue({ date, dueDate }: Invoice, notation: DateNotation, random: Random): string {
  if (dueDate === null) return '';
  const days = TERMS.find((term) => daysAfter(date, term) === dueDate);
  if (days === undefined || chance(0.5, random)) return `due ${writeDate(dueDate, notation)}`;
  return chance(0.5, random) ? `net ${days}` : `due in ${days} days`;
}

function joined(separator: string, parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(separator);
}
