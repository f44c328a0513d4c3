import { expect, test } from 'vitest';
import { CLONE, REFUSED, systemCallFilter, type FilteredMachine } from './system-call-filter.ts';

const ALLOWED = 'allowed';
const REFUSED_WORD = 'EPERM';
const ARCHITECTURES: Readonly<Record<FilteredMachine, number>> = { x64: 0xc000003e, arm64: 0xc00000b7 };

/** What the kernel makes of it: the few instructions that the filter is written in. */
function verdict(filter: Buffer, call: { number: number; architecture: number; argument?: number }): string {
  const data = new Map([
    [0, call.number],
    [4, call.architecture],
    [16, call.argument ?? 0],
  ]);
  let accumulator = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const value = filter.readUInt32LE(at + 4);
    const jump = (holds: boolean): number => 8 * filter.readUInt8(at + (holds ? 2 : 3));
    switch (filter.readUInt16LE(at)) {
      case 0x20:
        accumulator = data.get(value) ?? Number.NaN;
        break;
      case 0x15:
        at += jump(accumulator === value);
        break;
      case 0x35:
        at += jump(accumulator >= value);
        break;
      case 0x45:
        at += jump((accumulator & value) !== 0);
        break;
      case 0x06:
        return { 0x7fff0000: ALLOWED, 0x00050001: REFUSED_WORD, 0x00050026: 'ENOSYS', 0x80000000: 'killed' }[value] ?? 'unknown';
      default:
        return 'no such instruction';
    }
  }
  return 'ran over its end';
}

test.each(['x64', 'arm64'] as const)('%s: what is on the list is refused, and nothing else', (machine) => {
  const filter = systemCallFilter(machine)!;
  const column = machine === 'x64' ? 0 : 1;
  const architecture = ARCHITECTURES[machine];
  const refused = new Set(Object.values(REFUSED).flatMap((numbers) => numbers[column] ?? []));
  expect(refused.size).toBe(Object.values(REFUSED).filter((numbers) => numbers[column] !== null).length);
  for (let number = 0; number < 600; number += 1) {
    if (number === CLONE[column] || number === 435) continue;
    expect([number, verdict(filter, { number, architecture })]).toEqual([number, refused.has(number) ? REFUSED_WORD : ALLOWED]);
  }
  // The numbers of another convention.
  expect(verdict(filter, { number: 0x40000000 + 41, architecture })).toBe(REFUSED_WORD);
  expect(verdict(filter, { number: 1, architecture: 0x40000003 })).toBe('killed');
});

test.each(['x64', 'arm64'] as const)('%s: threads can be made, and no processes', (machine) => {
  const filter = systemCallFilter(machine)!;
  const call = { number: CLONE[machine === 'x64' ? 0 : 1], architecture: ARCHITECTURES[machine] };
  // As the C library makes a thread, and as it makes a process.
  expect(verdict(filter, { ...call, argument: 0x3d0f00 })).toBe(ALLOWED);
  expect(verdict(filter, { ...call, argument: 0x1200011 })).toBe(REFUSED_WORD);
  expect(verdict(filter, { ...call, argument: 0x10000000 })).toBe(REFUSED_WORD);
  expect(verdict(filter, { ...call, number: 435 })).toBe('ENOSYS');
});

test('another machine has no list', () => {
  expect(systemCallFilter('riscv64')).toBeNull();
});
