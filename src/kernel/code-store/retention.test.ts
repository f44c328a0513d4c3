import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { VersionRecord } from './artifact-store.ts';
import { collectable, DEFAULT_KEEP, DEFAULT_OLDER_THAN_MS } from './retention.ts';

const NOW_MS = Date.parse('2026-06-01T00:00:00Z');

function record(number: number, ageMs: number): VersionRecord {
  return {
    agent: 'packer',
    number,
    hash: `h${number}`,
    parent: null,
    proposer: 'manual',
    createdAt: new Date(NOW_MS - ageMs).toISOString(),
  };
}

test('goes exactly what is old, not among the newest, and held by nobody', () => {
  const versions = fc
    .array(fc.integer({ min: 0, max: 20 }), { maxLength: 15 })
    .map((ages) => ages.map((age, index) => record(index + 1, age * 1_000)));
  const settings = fc.record({
    keep: fc.integer({ min: 0, max: 6 }),
    olderThanMs: fc.integer({ min: 0, max: 20_000 }),
    held: fc.array(fc.integer({ min: 1, max: 15 })),
  });
  fc.assert(
    fc.property(versions, settings, (all, { keep, olderThanMs, held }) => {
      const hashes = new Set(held.map((number) => `h${number}`));
      const gone = new Set(collectable(all, { keep, olderThanMs, held: hashes, nowMs: NOW_MS }).map(({ number }) => number));
      for (const { number, hash, createdAt } of all) {
        const newer = all.filter((other) => other.number > number).length;
        const old = NOW_MS - Date.parse(createdAt) > olderThanMs;
        expect(gone.has(number)).toBe(old && newer >= keep && !hashes.has(hash));
      }
    }),
  );
});

test('by default a hundred stay, and a week', () => {
  const old = Array.from({ length: 105 }, (_, index) => record(index + 1, DEFAULT_OLDER_THAN_MS + 1));
  const options = { held: new Set<string>(), nowMs: NOW_MS };
  expect(collectable(old, options).map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
  expect(DEFAULT_KEEP).toBe(100);
  expect(
    collectable(
      old.map(({ number }) => record(number, DEFAULT_OLDER_THAN_MS)),
      options,
    ),
  ).toEqual([]);
});

test('a version whose time can not be read stays', () => {
  expect(collectable([{ ...record(1, 0), createdAt: 'yesterday' }], { keep: 0, held: new Set(), nowMs: NOW_MS })).toEqual([]);
});
