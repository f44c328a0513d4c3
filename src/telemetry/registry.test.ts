import { afterEach, describe, expect, test } from 'vitest';
import { emit } from './emit.ts';
import { MAX_OPEN_VALUES, type MetricSpec } from './metric-spec.ts';
import { METRICS } from './metrics.ts';
import { type Metrics, type MetricsStart, startMetrics } from './registry.ts';

const started: MetricsStart[] = [];
afterEach(async () => {
  for (const metrics of started.splice(0)) await metrics.close();
});

async function start(): Promise<Metrics> {
  const metrics = startMetrics({ version: '1.2.3', node: 'n1' });
  started.push(metrics);
  return metrics.load();
}

async function sample(metrics: Metrics, series: string): Promise<number | undefined> {
  const line = (await metrics.text()).split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
}

const hotReload = { agent: 'packer', id: 'i', hash: 'h', cause: 'promote' } as const;

describe('values', () => {
  test('are counted from events', async () => {
    const metrics = await start();
    emit('seed_agent.hot_reload.duration', { duration: 7_000 }, { ...hotReload, outcome: 'success' });
    emit('seed_agent.hot_reload.duration', { duration: 9_000 }, { ...hotReload, outcome: 'error' });
    emit('seed_agent.call_record.dropped', { records: 5 }, { reason: 'buffer_full' });
    expect(await sample(metrics, 'seed_agent_hot_reload_total{outcome="success"}')).toBe(1);
    expect(await sample(metrics, 'seed_agent_hot_reload_total{outcome="error"}')).toBe(1);
    expect(await sample(metrics, 'seed_agent_hot_reload_duration_seconds_sum{outcome="success"}')).toBeCloseTo(0.007);
    expect(await sample(metrics, 'seed_call_records_total{outcome="dropped"}')).toBe(5);
  });

  test('are counted from the start, not from when they are first asked for', async () => {
    const starting = startMetrics({ version: '1', node: 'n1' });
    started.push(starting);
    emit('seed_agent.hot_reload.duration', { duration: 7_000 }, { ...hotReload, outcome: 'success' });
    const loading = starting.load();
    emit('seed_agent.hot_reload.duration', { duration: 7_000 }, { ...hotReload, outcome: 'success' });
    const metrics = await loading;
    expect(starting.load()).toBe(loading);
    expect(await sample(metrics, 'seed_agent_hot_reload_total{outcome="success"}')).toBe(2);
  });

  test('are set, added and read', async () => {
    const metrics = await start();
    expect(await sample(metrics, 'seed_build_info{version="1.2.3",node="n1"}')).toBe(1);
    expect(await sample(metrics, 'seed_agent_hot_reload_queue_depth')).toBeUndefined();
    metrics.set('seed_agent_hot_reload_queue_depth', {}, 4);
    expect(await sample(metrics, 'seed_agent_hot_reload_queue_depth')).toBe(4);
    metrics.add('seed_evaluations_total', { set: 'test', outcome: 'scored' }, 3);
    expect(await sample(metrics, 'seed_evaluations_total{set="test",outcome="scored"}')).toBe(3);
    let hosts = [{ labels: { role: 'serving' as const }, value: 2 }];
    metrics.read('seed_sandbox_hosts', () => hosts);
    expect(await sample(metrics, 'seed_sandbox_hosts{role="serving"}')).toBe(2);
    hosts = [];
    expect(await sample(metrics, 'seed_sandbox_hosts{role="serving"}')).toBeUndefined();
  });

  test('a reader that throws costs its own metric, and is counted', async () => {
    const metrics = await start();
    metrics.set('seed_agent_cluster_nodes', {}, 3);
    const remove = metrics.read('seed_agent_cluster_nodes', () => Promise.reject(new Error('no')));
    expect(await sample(metrics, 'seed_agent_cluster_nodes')).toBeUndefined();
    expect(await sample(metrics, 'seed_telemetry_failures_total')).toBeGreaterThanOrEqual(1);
    remove();
    metrics.set('seed_agent_cluster_nodes', {}, 1);
    expect(await sample(metrics, 'seed_agent_cluster_nodes')).toBe(1);
  });

  test('labels stay few', async () => {
    const metrics = await start();
    for (let n = 0; n < MAX_OPEN_VALUES + 50; n += 1) metrics.add('seed_rollbacks_total', { agent: `agent-${n}`, reason: 'errors' });
    expect(await sample(metrics, 'seed_rollbacks_total{agent="other",reason="errors"}')).toBe(50);
    metrics.add('seed_rollbacks_total', { agent: 'agent-0', reason: 'bogus' as 'errors' });
    expect(await sample(metrics, 'seed_rollbacks_total{agent="agent-0",reason="other"}')).toBe(1);
  });
});

describe('the text', () => {
  test('is split into our own and the process', async () => {
    const metrics = await start();
    const [all, seed, process] = [await metrics.text(), await metrics.text('seed'), await metrics.text('process')];
    expect(seed).toContain('seed_build_info{');
    expect(seed).not.toContain('process_');
    expect(process).toContain('process_resident_memory_bytes');
    expect(process).not.toContain('seed_');
    expect(all).toContain('seed_build_info{');
    expect(all).toContain('process_resident_memory_bytes');
    expect(metrics.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  test('has only names that promtool accepts', async () => {
    const text = await (await start()).text();
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => ({ name, type }));
    expect(types.length).toBeGreaterThan(Object.keys(METRICS).length);
    for (const { name, type } of types) expect(`${name} ${type}`).toMatch(name.endsWith('_total') ? / counter$/ : / (gauge|histogram)$/);
  });

  test('as a report has the same values', async () => {
    const metrics = await start();
    metrics.add('seed_evaluations_total', { set: 'test', outcome: 'failed' });
    const report = await metrics.report();
    expect(report.find(({ name }) => name === 'seed_evaluations_total')).toMatchObject({
      type: 'counter',
      values: [{ name: 'seed_evaluations_total', labels: { set: 'test', outcome: 'failed' }, value: 1 }],
    });
  });
});

describe('the table', () => {
  test.each(Object.entries<MetricSpec>(METRICS))('%s', (name, { type, help, buckets }) => {
    expect(name).toMatch(/^seed_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name.endsWith('_seconds') || type !== 'histogram').toBe(true);
    expect(help).toMatch(/^[A-Z].*\.$/);
    expect(buckets?.toSorted((a, b) => a - b)).toEqual(buckets);
    expect(buckets === undefined).toBe(type !== 'histogram');
  });
});
