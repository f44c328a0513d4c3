// How an extractor is scored: the share of lines of which it reads every field, on lines that nobody has seen before.
import { evaluation, type SampleSet } from 'seed-agent/agent';
import type contract from '../contract.ts';
import { drawInvoice, type Invoice } from './invoice.ts';
import { writeLine, type LayoutName } from './layout.ts';

interface Line {
  line: string;
  invoice: Invoice;
}

const LINES = 100;
/** Lines that are told of, of those that were read wrongly. */
const MAX_FAILURES = 4;

/** What comes up how often. The later sets are less tidy than the one that a search learns from. */
const MIX: Readonly<Record<SampleSet, { layouts: Readonly<Record<LayoutName, number>>; rare: number }>> = {
  selection: { layouts: { list: 56, columns: 16, pipes: 12, sentence: 9, pairs: 7 }, rare: 0.1 },
  validation: { layouts: { list: 50, columns: 16, pipes: 14, sentence: 11, pairs: 9 }, rare: 0.14 },
  test: { layouts: { list: 46, columns: 16, pipes: 14, sentence: 13, pairs: 11 }, rare: 0.18 },
};

export default evaluation<typeof contract, Line[]>({
  bestPossible: 1,
  sample(set, random) {
    return Array.from({ length: LINES }, () => {
      const invoice = drawInvoice(set, MIX[set].rare, random);
      return { line: writeLine(invoice, MIX[set], random), invoice };
    });
  },
  *session(lines) {
    const right: Record<string, number> = {};
    let exact = 0;
    const failures: { input: { line: string }; expected: Invoice; got: unknown }[] = [];
    for (const { line, invoice } of lines) {
      const read = yield { line };
      let wrong = 0;
      for (const field of Object.keys(invoice) as (keyof Invoice)[]) {
        const hit = read[field] === invoice[field];
        right[field] = (right[field] ?? 0) + (hit ? 1 : 0);
        wrong += hit ? 0 : 1;
      }
      exact += wrong === 0 ? 1 : 0;
      if (wrong > 0 && failures.length < MAX_FAILURES) failures.push({ input: { line }, expected: invoice, got: read });
    }
    const fields = Object.fromEntries(Object.entries(right).map(([field, count]) => [field, count / lines.length]));
    return { score: exact / lines.length, detail: { lines: lines.length, fields, failures } };
  },
});
