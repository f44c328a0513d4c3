import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { Sealing, type MasterKey } from './sealing.ts';

const PLACE = { table: 'parked_calls', column: 'sealed', row: 'r1' };
const key = (keyId: string): MasterKey => ({ keyId, key: randomBytes(32) });
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return (error as { code?: string }).code;
  }
};

test('what was sealed is opened again, and never sealed twice the same', () => {
  const sealing = new Sealing([key('k1')]);
  const text = 'what is your name, née \u0000?';
  const [one, two] = [sealing.seal(text, PLACE), sealing.seal(text, PLACE)];
  expect(one).not.toBe(two);
  expect(one).not.toContain('name');
  expect([one, two].map((sealed) => sealing.open(sealed, PLACE))).toEqual([text, text]);
});

test('in another row, column or table it is nothing', () => {
  const sealing = new Sealing([key('k1')]);
  const sealed = sealing.seal('x', PLACE);
  for (const other of [{ row: 'r2' }, { column: 'other' }, { table: 'calls' }])
    expect(codeOf(() => sealing.open(sealed, { ...PLACE, ...other }))).toBe('artifact_corrupt');
});

test('a changed byte is found wherever it stands', () => {
  const sealing = new Sealing([key('k1')]);
  const parts = sealing.seal('a secret that is long enough', PLACE).split('.');
  for (const index of [2, 3, 4]) {
    const bytes = Buffer.from(parts[index] ?? '', 'base64url');
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    const changed = parts.with(index, bytes.toString('base64url')).join('.');
    expect(codeOf(() => sealing.open(changed, PLACE))).toBe('artifact_corrupt');
  }
  // Of a shorter tag fewer bits would have to be guessed.
  const short = parts
    .with(
      3,
      Buffer.from(parts[3] ?? '', 'base64url')
        .subarray(0, 4)
        .toString('base64url'),
    )
    .join('.');
  expect([short, '', '2.k1.a.b.c', 'x'].map((sealed) => codeOf(() => sealing.open(sealed, PLACE)))).toEqual(
    Array.from({ length: 4 }, () => 'artifact_corrupt'),
  );
});

test('after a rotation the new key seals, and what the old one sealed is opened as long as it is there', () => {
  const [old, fresh] = [key('old'), key('new')];
  const before = new Sealing([old]).seal('x', PLACE);
  const rotated = new Sealing([fresh, old]);
  expect(rotated.seal('y', PLACE)).toContain('.new.');
  expect(rotated.open(before, PLACE)).toBe('x');
  expect(codeOf(() => new Sealing([fresh]).open(before, PLACE))).toBe('configuration');
});
