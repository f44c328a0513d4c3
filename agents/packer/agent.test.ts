import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import packer, { priority } from './agent.ts';
import { binsUsed, type Priority } from './evals/packing.ts';

/** An instance whose state goes through JSON after every call, as it does in the database. */
function instance() {
  let json: string | undefined;
  const warnings: string[] = [];
  const drop = (): void => {};
  const ctx = {
    agent: 'packer',
    key: 'test',
    principal: { kind: 'user', id: 'test' },
    log: { debug: drop, info: drop, error: drop, warn: (message: string) => void warnings.push(message) },
    state: {
      get: () => Promise.resolve(json === undefined ? undefined : JSON.parse(json)),
      set: (value: unknown) => {
        json = JSON.stringify(value);
        return Promise.resolve();
      },
    },
  };
  return { warnings, state: () => json, pack: (item: number, capacity = 100) => Promise.resolve(packer.handle({ item, capacity }, ctx)) };
}

/** The published skeleton, word for word: a bin for every item stands open from the start, the first of the best takes it. */
function skeleton(items: readonly number[], capacity: number, wanted: Priority): number[] {
  const free = items.map(() => capacity);
  return items.map((item) => {
    let best = -1;
    free.forEach((residual, bin) => {
      if (residual < item) return;
      const rank = (of: number): number => {
        const value = wanted(item, free[of]!, capacity);
        return Number.isFinite(value) ? value : -Infinity;
      };
      if (best === -1 || rank(bin) > rank(best)) best = bin;
    });
    free[best]! -= item;
    return best;
  });
}

const arbitraryItems = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 60 });

describe('packer', () => {
  test('puts every item where the published skeleton puts it', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryItems, async (items) => {
        const { pack } = instance();
        const expected = skeleton(items, 20, priority);
        let opened = 0;
        for (const [index, item] of items.entries()) {
          const bin = expected[index]!;
          expect(await pack(item, 20)).toEqual({ bin, opened: bin === opened });
          opened = Math.max(opened, bin + 1);
        }
      }),
      { numRuns: 100 },
    );
  });

  test('starts as best fit: the fullest bin that fits', async () => {
    const { pack } = instance();
    for (const item of [60, 70, 50]) await pack(item);
    expect(await pack(30)).toEqual({ bin: 1, opened: false });
    expect(await pack(40)).toEqual({ bin: 0, opened: false });
    expect(await pack(51)).toEqual({ bin: 3, opened: true });
  });

  test('forgets full bins and keeps the indexes of the others', async () => {
    const { pack, state } = instance();
    await pack(100);
    await pack(60);
    expect(JSON.parse(state()!)).toEqual({ capacity: 100, opened: 2, open: 1, levels: [{ residual: 40, bins: [1] }] });
    expect(await pack(40)).toEqual({ bin: 1, opened: false });
    expect(JSON.parse(state()!)).toEqual({ capacity: 100, opened: 2, open: 0, levels: [] });
    expect(await pack(1)).toEqual({ bin: 2, opened: true });
  });

  test('refuses another capacity and an item that is too large, and changes nothing', async () => {
    const { pack, state } = instance();
    await expect(pack(101)).rejects.toThrow('an item of 101 does not fit into a bin of 100');
    expect(state()).toBeUndefined();
    await pack(60);
    const before = state();
    await expect(pack(60, 150)).rejects.toThrow('this instance packs bins of 100, not of 150');
    await expect(pack(101)).rejects.toThrow('does not fit');
    expect(state()).toBe(before);
  });

  test('closes the fullest bin when too many are open', async () => {
    const { pack, state, warnings } = instance();
    // Items of more than half the capacity never share a bin.
    for (let item = 0; item < 5_001; item++) await pack(51 + (item % 2));
    const { open, levels: left } = JSON.parse(state()!);
    expect(open).toBe(5_000);
    expect(left.map(({ residual }: { residual: number }) => residual)).toEqual([48, 49]);
    expect(left[0].bins).toHaveLength(2_499);
    expect(warnings).toEqual(['closed the fullest bin: too many are open']);
  });
});

describe('binsUsed', () => {
  test('needs as many bins as the skeleton, for any priority: ties, NaN and infinities included', () => {
    const values = fc.constantFrom(0, 1, 2, -1, 0.5, Number.NaN, Infinity, -Infinity);
    fc.assert(
      fc.property(arbitraryItems, fc.array(values, { minLength: 441, maxLength: 441 }), (items, table) => {
        const wanted: Priority = (item, residual) => table[item * 21 + residual]!;
        expect(binsUsed(items, 20, wanted)).toBe(Math.max(...skeleton(items, 20, wanted)) + 1);
      }),
      { numRuns: 500 },
    );
  });

  test('does not mix up the tables of two priorities or two capacities', () => {
    const items = [5, 5, 5, 5];
    const worst: Priority = (_item, residual) => residual;
    const best: Priority = (_item, residual) => -residual;
    expect([binsUsed(items, 10, worst), binsUsed(items, 10, best), binsUsed(items, 20, best), binsUsed(items, 10, worst)]).toEqual([
      4, 2, 1, 4,
    ]);
  });
});
