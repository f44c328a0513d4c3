// Reads the plainest form of an invoice line. Everything else is still to be learned.
import { agent, type Output } from 'seed-agent/agent';
import type contract from './contract.ts';

type Invoice = Output<typeof contract>;

export default agent<typeof contract>({
  handle({ line }): Invoice {
    const [number, date, customer, order, price] = line.split(';').map((part) => part.trim());
    const [quantity, article] = (order ?? '').split(' x ');
    const [amount, currency] = (price ?? '').split(' ');
    return {
      number: whole(number?.replace('INV-', '')),
      date: date ?? null,
      customer: customer ?? null,
      quantity: whole(quantity),
      article: article ?? null,
      unitPriceCents: cents(amount),
      currency: currency === 'EUR' || currency === 'USD' || currency === 'GBP' ? currency : null,
      dueDate: null,
    };
  },
});

function whole(text: string | undefined): number | null {
  return text !== undefined && /^-?\d{1,9}$/.test(text) ? Number(text) : null;
}

function cents(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,9}\.\d\d$/.test(text) ? Math.round(Number(text) * 100) : null;
}
