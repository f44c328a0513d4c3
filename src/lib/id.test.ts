import { expect, test } from 'vitest';
import { timeOfUuidv7, uuidv7 } from './id.ts';

test('ids sort by the time they were made, also within a millisecond and when the clock goes back', () => {
  const start = Date.now() + 1_000_000;
  const ids = [start, start, start, start - 50, start + 1, start + 1].map((nowMs) => uuidv7(nowMs));
  expect(ids).toEqual(ids.toSorted());
  expect(new Set(ids).size).toBe(6);
});

test('version and variant are those of RFC 9562, and the time can be read back', () => {
  const nowMs = Date.now() + 2_000_000;
  const id = uuidv7(nowMs);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(timeOfUuidv7(id)).toBe(nowMs);
});

test('ten thousand ids of one millisecond are all different and in order', () => {
  const nowMs = Date.now() + 3_000_000;
  const ids = Array.from({ length: 10_000 }, () => uuidv7(nowMs));
  expect(new Set(ids).size).toBe(10_000);
  expect(ids).toEqual(ids.toSorted());
});
