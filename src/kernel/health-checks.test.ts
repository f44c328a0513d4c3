import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { diskCheck, eventLoopCheck } from './health-checks.ts';

describe('disk', () => {
  test('reports what is free', async () => {
    const { status, observedValue, observedUnit } = await diskCheck(tmpdir()).run();
    expect(['pass', 'warn', 'fail']).toContain(status);
    expect(observedUnit).toBe('bytes');
    expect(observedValue).toBeGreaterThan(0);
  });

  test('a folder that is gone is a failure, not a pass', async () => {
    await expect(diskCheck(path.join(tmpdir(), 'seed-no-such-folder')).run()).rejects.toThrow('ENOENT');
  });
});

describe('event loop', () => {
  test.each([
    [3, 'pass'],
    [249, 'pass'],
    [250, 'warn'],
  ])('%i ms late → %s', async (p99Ms, status) => {
    const found = await eventLoopCheck({ figures: () => ({ p50Ms: 0, p99Ms, maxMs: p99Ms }) }).run();
    expect(found).toMatchObject({ status, observedValue: p99Ms, observedUnit: 'ms' });
  });
});
