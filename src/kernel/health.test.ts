import { describe, expect, test } from 'vitest';
import { SeedError } from '#lib/error.ts';
import { Health, type HealthCheck, type HealthOptions } from './health.ts';

function health(options: Partial<HealthOptions> = {}): Health {
  return new Health({ node: 'n1', queueDepth: () => 0, cacheMs: 0, ...options });
}

function check(overrides: Partial<HealthCheck> = {}): HealthCheck {
  return { name: 'database:query', component: 'datastore', required: true, run: () => ({ status: 'pass' }), ...overrides };
}

/** A promise and the way to settle it from outside. */
function pending<T>(): PromiseWithResolvers<T> {
  return Promise.withResolvers<T>();
}

describe('the report', () => {
  test('has the keys of the seed and the checks', async () => {
    const now = (): number => Date.UTC(2026, 0, 2);
    const subject = health({ now, queueDepth: () => 3, clusterNodes: () => ['n2'], treeMemoryBytes: () => Promise.resolve(2 ** 50) });
    subject.register(check({ run: () => ({ status: 'pass', observedValue: 2, observedUnit: 'ms' }) }));
    const { code, report } = await subject.deep();
    expect(code).toBe(200);
    expect(report).toMatchObject({
      status: 'ok',
      cluster_nodes: ['n2'],
      queue_depth: 3,
      queue_status: 'active',
      system_time: '2026-01-02T00:00:00.000Z',
      node: 'n1',
      checks: {
        'improvements:queue': [{ componentType: 'component', status: 'pass', observedValue: 3 }],
        'database:query': [
          { componentType: 'datastore', status: 'pass', observedValue: 2, observedUnit: 'ms', time: '2026-01-02T00:00:00.000Z' },
        ],
      },
    });
    const { total, processes, system, binary } = report.memory;
    expect(total).toBe(2 ** 50);
    expect(processes + system).toBe(total);
    expect(system).toBeGreaterThan(binary);
  });

  test('tells strangers its status alone', async () => {
    expect(await health({ queueDepth: () => 100 }).public()).toEqual({ code: 503, report: { status: 'degraded' } });
  });
});

describe('the queue', () => {
  test.each([
    [0, 200, 'ok', 'empty'],
    [1, 200, 'ok', 'active'],
    [74, 200, 'ok', 'active'],
    [75, 200, 'warning', 'high'],
    [99, 200, 'warning', 'high'],
    [100, 503, 'degraded', 'full'],
    [1_000, 503, 'degraded', 'full'],
  ])('%i → %i %s %s', async (depth, code, status, queueStatus) => {
    const found = await health({ queueDepth: () => depth }).deep();
    expect([found.code, found.report.status, found.report.queue_status]).toEqual([code, status, queueStatus]);
  });

  test('that can not be read is not empty', async () => {
    const subject = health({ queueDepth: () => Promise.reject(new SeedError('database_unavailable', 'the database is closed')) });
    const { code, report } = await subject.deep();
    expect(code).toBe(503);
    expect(report).toMatchObject({ status: 'degraded', queue_depth: null, queue_status: 'unknown' });
    expect(report.checks['improvements:queue']?.[0]).toMatchObject({ status: 'fail', output: 'the database is closed' });
  });
});

describe('checks', () => {
  test.each([
    [true, 'pass', 200, 'ok'],
    [true, 'warn', 200, 'warning'],
    [true, 'fail', 503, 'degraded'],
    [false, 'warn', 200, 'warning'],
    [false, 'fail', 200, 'warning'],
  ] as const)('required %s and %s → %i %s', async (required, status, code, overall) => {
    const subject = health();
    subject.register(check({ required, run: () => ({ status }) }));
    const found = await subject.deep();
    expect([found.code, found.report.status]).toEqual([code, overall]);
  });

  test('that throw have failed, with what to do', async () => {
    const subject = health();
    subject.register(
      check({
        run: () => {
          throw new SeedError('storage_full', 'the disk is full', { hint: 'make room' });
        },
      }),
    );
    for (const round of [1, 2]) {
      const { report } = await subject.deep();
      expect([round, report.checks['database:query']?.[0]]).toMatchObject([
        round,
        { status: 'fail', output: 'the disk is full; make room' },
      ]);
    }
  });

  test('that hang are bounded, and are not started a second time', async () => {
    const hanging = pending<{ status: 'pass' }>();
    let runs = 0;
    const subject = health();
    subject.register(
      check({
        timeoutMs: 20,
        run: () => {
          runs += 1;
          return hanging.promise;
        },
      }),
    );
    const first = await subject.deep();
    expect(first.code).toBe(503);
    expect(first.report.checks['database:query']?.[0]).toMatchObject({ status: 'fail', output: 'no answer within 20 ms' });
    await subject.deep();
    expect(runs).toBe(1);
    hanging.resolve({ status: 'pass' });
    await hanging.promise;
    expect((await subject.deep()).code).toBe(200);
    await subject.deep();
    expect(runs).toBeGreaterThanOrEqual(2);
  });

  test('come and go; a name is taken once', async () => {
    const subject = health({ cacheMs: 60_000 });
    await subject.deep();
    const remove = subject.register(check({ run: () => ({ status: 'fail' }) }));
    expect(() => subject.register(check())).toThrow('registered already');
    expect((await subject.deep()).code).toBe(503);
    remove();
    expect((await subject.deep()).code).toBe(200);
  });
});

describe('asking often', () => {
  test('runs the checks once in a second, however many ask', async () => {
    let nowMs = 0;
    let runs = 0;
    const subject = health({ cacheMs: 1_000, monotonicMs: () => nowMs });
    subject.register(
      check({
        run: () => {
          runs += 1;
          return { status: 'pass' };
        },
      }),
    );
    await Promise.all(Array.from({ length: 100 }, () => subject.deep()));
    nowMs = 999;
    await subject.public();
    expect(runs).toBe(1);
    nowMs = 1_000;
    await subject.deep();
    expect(runs).toBe(2);
  });
});
