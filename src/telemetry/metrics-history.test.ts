import { expect, test } from 'vitest';
import { MetricsHistory } from './metrics-history.ts';

test('says how much the counters grew within the period, and leaves out what did not', async () => {
  const clock = { ms: 1_000_000 };
  const values = { calls: 5, errors: 2 };
  const history = new MetricsHistory({
    nowMs: () => clock.ms,
    report: () =>
      Promise.resolve([
        { name: 'calls_total', type: 'counter', help: '', values: [{ name: 'calls_total', labels: { agent: 'a' }, value: values.calls }] },
        { name: 'errors_total', type: 'counter', help: '', values: [{ name: 'errors_total', labels: {}, value: values.errors }] },
        { name: 'depth', type: 'gauge', help: '', values: [{ name: 'depth', labels: {}, value: clock.ms }] },
      ]),
  });
  await history.sample();
  clock.ms += 60_000;
  values.calls = 8;
  await history.sample();
  clock.ms += 60_000;
  values.calls = 20;
  expect(await history.increase(60_000)).toBe(
    `# growth of the counters since ${new Date(1_060_000).toISOString()}\ncalls_total{agent="a"} 12\n`,
  );
  expect(await history.increase(3_600_000)).toContain('calls_total{agent="a"} 15\n');
  history.close();
});

test('before the first sample everything counts from the start', async () => {
  const history = new MetricsHistory({
    nowMs: () => 0,
    report: () => Promise.resolve([{ name: 'n', type: 'counter', help: '', values: [{ name: 'n', labels: {}, value: 3 }] }]),
  });
  expect(await history.increase(1_000)).toBe('# growth of the counters since the start\nn 3\n');
  history.close();
});
