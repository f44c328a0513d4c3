// A queue that fills up: health says it from afar, who asks for more is told when to come back, and nothing in it is lost.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSeed, type SeedProcess } from './seed-process.ts';
import { until } from './until.ts';

interface DeepHealth {
  status: string;
  queue_depth: number;
  queue_status: string;
}

let seed: SeedProcess;
beforeAll(async () => {
  // More than the queue takes: this is about the queue.
  seed = await startSeed({ env: { IMP_LIMIT_PER_DAY: '1000' } });
});
afterAll(() => seed[Symbol.asyncDispose]());

/** Long ones for one agent: the first runs, the others wait. Each is a search of its own, or it would be the first again. */
let searches = 0;
const improve = () =>
  fetch(`${seed.url}/api/agents/packer/improvements`, {
    method: 'POST',
    headers: { authorization: `Bearer ${seed.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ budget: '24h', seed: (searches += 1) }),
  });
async function enqueue(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const response = await improve();
    expect(response.status).toBe(202);
    ids.push(((await response.json()) as { data: { id: string } }).data.id);
  }
  return ids;
}
/** A report is given out again for a second. */
const healthAt = (depth: number) =>
  until(
    () => seed.api<DeepHealth>('GET', '/health/deep'),
    ({ body }) => body.queue_depth === depth,
  );

test('from 75 on it is high, at 100 it is full and nobody else comes in, until there is room again', async () => {
  const empty = await healthAt(0);
  expect([empty.status, empty.body.queue_status]).toEqual([200, 'empty']);
  expect(Object.keys(empty.body)).toEqual([
    'status',
    'cluster_nodes',
    'queue_depth',
    'queue_status',
    'memory',
    'system_time',
    'node',
    'checks',
    'sandbox',
  ]);
  const ids = await enqueue(74);
  expect(await healthAt(74)).toMatchObject({ status: 200, body: { queue_status: 'active' } });
  ids.push(...(await enqueue(1)));
  expect(await healthAt(75)).toMatchObject({ status: 200, body: { status: 'warning', queue_status: 'high' } });
  ids.push(...(await enqueue(24)));
  expect(await healthAt(99)).toMatchObject({ status: 200, body: { status: 'warning', queue_status: 'high' } });
  ids.push(...(await enqueue(1)));
  expect(await healthAt(100)).toMatchObject({ status: 503, body: { status: 'degraded', queue_status: 'full' } });

  // The one that runs does not wait: health counts it, the limit does not.
  ids.push(...(await enqueue(1)));
  const refused = await improve();
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '30']);
  expect(await refused.json()).toMatchObject({ code: 'queue_full', error: 'the queue improvements is full: 100 jobs wait' });
  // A stranger is told the code and the status; the process itself is well, and answers calls.
  const stranger = await fetch(`${seed.url}/health/deep`);
  expect([stranger.status, await stranger.json()]).toEqual([503, { status: 'degraded' }]);
  expect((await fetch(`${seed.url}/health`)).status).toBe(200);
  const metrics = await fetch(`${seed.url}/metrics`, { headers: { authorization: `Bearer ${seed.token}` } });
  expect(await metrics.text()).toMatch(/^seed_agent_hot_reload_queue_depth(?:\{[^}]*\})? 101$/m);
  const call = await seed.api('POST', '/api/agents/packer/invoke', { input: { item: 10, capacity: 100 } });
  expect(call.status).toBe(200);

  // All that came in are there, in their order, and nothing else.
  const listed = await seed.api<{ data: { id: string }[]; page_info: { total: number } }>(
    'GET',
    '/api/improvements?limit=100&sort=created_at&order=asc',
  );
  expect(listed.body.page_info.total).toBe(101);
  expect(listed.body.data.map(({ id }) => id)).toEqual(ids.slice(0, 100));
  for (const id of ids.slice(50, 52)) expect((await seed.api('POST', `/api/improvements/${id}/cancel`, {})).status).toBe(200);
  expect(await healthAt(99)).toMatchObject({ status: 200, body: { status: 'warning', queue_status: 'high' } });
  expect((await improve()).status).toBe(202);
});
