// Invoice lines as people and programs write them, read into typed fields.
import { contract, z } from 'seed-agent/agent';

export default contract({
  name: 'extract',
  summary: 'Reads one line of an invoice register, in whatever form it was written, into typed fields.',
  exports: {
    handle: {
      kind: 'call',
      input: z.object({ line: z.string().min(1).max(500) }),
      output: z.object({
        number: z.int().nullable().describe('Invoice number without its prefix.'),
        date: z.string().nullable().describe('Day of the invoice, YYYY-MM-DD.'),
        customer: z.string().nullable(),
        quantity: z.int().nullable().describe('Pieces; negative on a credit note.'),
        article: z.string().nullable(),
        unitPriceCents: z.int().nullable().describe('Price of one piece in hundredths of the currency.'),
        currency: z.enum(['EUR', 'USD', 'GBP']).nullable(),
        dueDate: z.string().nullable().describe('Day on which it must be paid, YYYY-MM-DD; null where the line does not say.'),
      }),
    },
  },
  examples: [
    {
      input: { line: 'INV-10233; 2025-03-04; Nordwind GmbH; 3 x Desk lamp; 24.50 EUR' },
      output: {
        number: 10233,
        date: '2025-03-04',
        customer: 'Nordwind GmbH',
        quantity: 3,
        article: 'Desk lamp',
        unitPriceCents: 2450,
        currency: 'EUR',
        dueDate: null,
      },
    },
  ],
  limits: { cpuMs: 50, deadlineMs: 1_000, memoryMb: 32, inputBytes: 4_096, outputBytes: 4_096 },
  objective: { name: 'exact', unit: 'share of lines', direction: 'maximize' },
  improvement: { approval: 'rule' },
});
