import { expect, test } from 'vitest';
import type { BlackBoxRecord } from './black-box.ts';
import { causeOf } from './host-end.ts';

const end = (record: Partial<BlackBoxRecord> = {}) => ({
  exit: { code: null, signal: 'SIGKILL' as const },
  record: { verdict: null, culprit: null, executing: [], ...record },
});

test('a host that died by itself leaves those it was running as suspects', () => {
  expect(causeOf(end({ executing: [4] }), null)).toMatchObject({ failure: 'host_lost', running: [4] });
  expect(causeOf(end(), null)).toMatchObject({ failure: 'host_lost', running: [] });
});

test('when the host knew the culprit, all others are innocent', () => {
  expect(causeOf(end({ verdict: 'stuck', culprit: 4, executing: [4, 5] }), null)).toMatchObject({ failure: 'cpu_limit', running: [4] });
});

test('why it was killed says what the one that ran has done', () => {
  expect(causeOf(end({ executing: [4] }), 'memory')).toMatchObject({ failure: 'memory_limit' });
  expect(causeOf(end({ executing: [4] }), 'unresponsive')).toMatchObject({ failure: 'cpu_limit' });
  expect(causeOf(end({ verdict: 'catastrophic', executing: [4, 5] }), null)).toMatchObject({ failure: 'host_lost', running: [4, 5] });
});

test('nobody is to blame for a host that was closed', () => {
  expect(causeOf(end({ executing: [4] }), 'closed')).toMatchObject({ failure: 'host_lost', running: [] });
});

test('what somebody else ended is no deed of the code that ran', () => {
  expect(causeOf(end({ executing: [4] }), null).isBlamed).toBe(false);
  expect(causeOf({ ...end({ executing: [4] }), exit: { code: null, signal: 'SIGSEGV' } }, null).isBlamed).toBe(true);
  // The host judged itself, or its parent did.
  expect(causeOf(end({ verdict: 'stuck', culprit: 4 }), null).isBlamed).toBe(true);
  expect(causeOf(end({ executing: [4] }), 'memory').isBlamed).toBe(true);
  expect(causeOf(end({ executing: [4] }), 'closed').isBlamed).toBe(false);
});
