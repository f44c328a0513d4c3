import { expect, test } from 'vitest';
import type { VersionRecord } from './artifact-store.ts';
import { findVersion } from './version-reference.ts';

const record = (number: number, hash: string): VersionRecord => ({
  agent: 'packer',
  number,
  hash: hash.padEnd(64, '0'),
  parent: null,
  proposer: 'm',
  createdAt: '',
});
const records = [record(1, 'abcdef0123'), record(2, 'abcdef0199'), record(3, '12345678'), record(12, 'ff00ff00ff')];

test.each([
  ['v1', 1],
  ['1', 1],
  ['v12', 12],
  ['abcdef0123', 1],
  ['abcdef0199', 2],
  ['ff00ff00', 12],
  ['12345678', 3],
  ['f'.repeat(2) + '00ff00ff'.padEnd(62, '0'), 12],
])('%s is v%i', (reference, number) => {
  expect(findVersion('packer', reference, records).number).toBe(number);
});

test.each(['v0', 'v4', '99', 'abcdef', 'ABCDEF01', 'v-1', '1.0', '', 'latest', '../1', 'ff00ff00'.repeat(9)])(
  '%j is no version',
  (reference) => {
    expect(() => findVersion('packer', reference, records)).toThrow(
      expect.objectContaining({ code: 'not_found', hint: 'the newest is v12' }),
    );
  },
);

test('a beginning that two have is not enough', () => {
  expect(() => findVersion('packer', 'abcdef01', records)).toThrow(
    expect.objectContaining({ code: 'invalid_input', hint: 'say which: v1, v2' }),
  );
});
