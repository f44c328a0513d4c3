import { describe, expect, test } from 'vitest';
import type { SampleSet } from 'seed-agent/agent';
import extract from '../agent.ts';
import contract from '../contract.ts';
import evaluation from './evaluation.ts';
import { daysAfter, drawInvoice } from './invoice.ts';
import { writeLine } from './layout.ts';
import { writeDate, writeSum } from './notation.ts';

const SETS: readonly SampleSet[] = ['selection', 'validation', 'test'];
const ctx = { agent: 'extract', key: null, principal: { kind: 'user', id: 'test' } };

/** A small generator of its own: tests of an agent use nothing of the runtime. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

type Reader = (line: string) => Awaited<ReturnType<typeof extract.handle>>;
type Sample = Parameters<typeof evaluation.session>[0];

const naive: Reader = (line) => extract.handle({ line }, ctx) as ReturnType<Reader>;

function score(sample: Sample, read: Reader) {
  const session = evaluation.session(sample);
  let step = session.next();
  while (!step.done) step = session.next(read(step.value.line));
  return step.value;
}

function samples(set: SampleSet, count: number): Sample[] {
  return Array.from({ length: count }, (_, seed) => evaluation.sample(set, randomFrom(seed + 1)));
}

describe('evaluation', () => {
  test('the first version is naive, and the later sets are harder', () => {
    const means = SETS.map((set) => {
      const scores = samples(set, 10).map((sample) => score(sample, naive).score);
      return scores.reduce((sum, value) => sum + value, 0) / scores.length;
    });
    expect(means[0]).toBeGreaterThan(0.25);
    expect(means[0]).toBeLessThan(0.42);
    expect(means[2]).toBeGreaterThan(0.15);
    expect(means[2]).toBeLessThan(means[0]!);
  });

  test('knowing all answers scores 1, and each field is reported', () => {
    const [sample] = samples('test', 1) as [Sample];
    const truth = new Map(sample.map(({ line, invoice }) => [line, invoice]));
    expect(score(sample, (line) => truth.get(line)!)).toMatchObject({ score: 1, detail: { lines: 100, fields: { date: 1, dueDate: 1 } } });
    const wrongDates = score(sample, (line) => ({ ...truth.get(line)!, date: '1970-01-01' }));
    expect(wrongDates).toMatchObject({ score: 0, detail: { fields: { date: 0, customer: 1 } } });
  });

  test('a line means one invoice only, and no two sets share a line', () => {
    const seen = new Map<string, { set: SampleSet; invoice: string }>();
    for (const set of SETS) {
      for (const { line, invoice } of samples(set, 30).flat()) {
        const text = JSON.stringify(invoice);
        const known = seen.get(line);
        if (known !== undefined) expect(known).toEqual({ set, invoice: text });
        seen.set(line, { set, invoice: text });
      }
    }
    expect(seen.size).toBeGreaterThan(8_000);
  });

  test('every line fits the input schema and every answer the output schema', () => {
    const { input, output } = contract.exports.handle;
    for (const { line, invoice } of samples('test', 5).flat()) {
      expect(input.safeParse({ line }).success).toBe(true);
      expect(output.safeParse(invoice).success).toBe(true);
      expect(output.safeParse(naive(line)).success).toBe(true);
    }
  });
});

describe('the grammar', () => {
  test('writes dates and sums in every notation', () => {
    const dates = (['iso', 'slashed', 'dotted', 'american', 'long', 'short'] as const).map((notation) => writeDate('2025-03-04', notation));
    expect(dates).toEqual(['2025-03-04', '2025/03/04', '04.03.2025', '03/04/2025', '4 March 2025', 'Mar 4, 2025']);
    const invoice = { ...drawInvoice('test', 0, randomFrom(1)), unitPriceCents: 123_450, currency: 'EUR' as const };
    const sums = (['code_behind', 'code_before', 'sign_before', 'continental'] as const).map((notation) => writeSum(invoice, notation));
    expect(sums).toEqual(['1234.50 EUR', 'EUR 1,234.50', '€1,234.50', '1.234,50 €']);
    expect(writeSum({ ...invoice, unitPriceCents: 5 }, 'continental')).toBe('0,05 €');
  });

  test('counts days over the ends of months and years', () => {
    expect([daysAfter('2024-02-28', 2), daysAfter('2025-12-31', 1)]).toEqual(['2024-03-01', '2026-01-01']);
  });

  test.each([
    ['list', 'INV-10233; 2025-03-04; Nordwind GmbH; 3 x Desk lamp; 24.50 EUR'],
    ['columns', 'INV-10233   04.03.2025   Nordwind GmbH   3x Desk lamp   24,50 €'],
    ['pipes', '2025/03/04 | #10233 | Nordwind GmbH | Desk lamp | 3 pcs | EUR 24.50'],
    ['sentence', 'Invoice 10233 of 4 March 2025 to Nordwind GmbH: 3 × Desk lamp at €24.50 each'],
    ['pairs', 'no=10233 date="2025-03-04" customer="Nordwind GmbH" article="Desk lamp" qty=3 price="EUR 24.50"'],
  ])('%s', (layout, expected) => {
    const none = { list: 0, columns: 0, pipes: 0, sentence: 0, pairs: 0 };
    const [example] = contract.examples;
    expect(writeLine(example.output, { layouts: { ...none, [layout]: 1 }, rare: 0 }, randomFrom(1))).toBe(expected);
  });
});

test('the first version reads the example of its contract', () => {
  const [{ input, output }] = contract.examples;
  expect(naive(input.line)).toEqual(output);
});
