import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { uuidv7 } from '#lib/id.ts';
import type { Database } from './database.ts';
import { type Job, JOBS_CHANNEL } from './job-row.ts';
import { claimJob, completeJob, failJob, renewJob, requireClaim, snoozeJob } from './job-claim.ts';
import { pruneJobs, sweepJobs } from './job-sweep.ts';
import { cancelJob, countJobs, enqueue, getJob } from './jobs.ts';
import { appendToStream, readStream } from './streams.ts';
import { testDatabase } from './testing.ts';

let database: Database;
beforeAll(async () => {
  database = await testDatabase();
});
afterAll(() => database.close());

const LONG_MS = 3_600_000;
const newQueue = (): string => `test-${uuidv7()}`;
const lost = { code: 'conflict' };

async function add(queue: string, request: Partial<Parameters<typeof enqueue>[1]> = {}): Promise<Job> {
  return (await enqueue(database, { queue, kind: 'work', args: { some: ['json'] }, ...request })).job;
}

function claim(queue: string, options: { leaseMs?: number; kinds?: string[] } = {}): Promise<Job | undefined> {
  return claimJob(database, { queue, owner: 'node-1', leaseMs: LONG_MS, ...options });
}

async function claimed(queue: string, options: { leaseMs?: number } = {}): Promise<Job> {
  const job = await claim(queue, options);
  if (job === undefined) throw new Error('nothing to claim');
  return job;
}

/** Ends the lease on the database's clock. */
async function expire(job: Job): Promise<void> {
  await sql`UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = ${job.id}`.execute(database.db);
}

async function makeDue(job: Job): Promise<void> {
  await sql`UPDATE jobs SET run_at = now() - interval '1 second' WHERE id = ${job.id}`.execute(database.db);
}

describe('a job', () => {
  test('is enqueued, claimed and completed', async () => {
    const queue = newQueue();
    const job = await add(queue, { priority: 2, serialKey: 's', uniqueKey: 'u' });
    expect(job).toMatchObject({
      state: 'available',
      attempt: 0,
      maxAttempts: 3,
      fence: 0,
      args: { some: ['json'] },
      priority: 2,
      serialKey: 's',
      uniqueKey: 'u',
      leaseUntil: null,
    });
    const held = await claimed(queue);
    expect(held).toMatchObject({ id: job.id, state: 'executing', attempt: 1, fence: 1, owner: 'node-1' });
    expect(held.leaseUntil?.getTime()).toBeGreaterThan(Date.now());
    expect(await claim(queue)).toBeUndefined();
    expect(await completeJob(database, held)).toMatchObject({ state: 'completed', leaseUntil: null, owner: null });
    expect((await getJob(database, job.id))?.finishedAt).toBeInstanceOf(Date);
  });

  test('is claimed by priority, then in the order it came', async () => {
    const queue = newQueue();
    const ids = { later: (await add(queue, { priority: 1 })).id, first: (await add(queue)).id, second: (await add(queue)).id };
    const order = [(await claim(queue))?.id, (await claim(queue))?.id, (await claim(queue))?.id];
    expect(order).toEqual([ids.first, ids.second, ids.later]);
  });

  test('is claimed by one of many', async () => {
    const queue = newQueue();
    await add(queue);
    const claims = await Promise.all(Array.from({ length: 6 }, () => claim(queue)));
    expect(claims.filter((job) => job !== undefined)).toHaveLength(1);
  });

  test('of a kind that the claimer does not know is left to others', async () => {
    const queue = newQueue();
    const job = await add(queue, { kind: 'new' });
    expect(await claim(queue, { kinds: ['old'] })).toBeUndefined();
    expect(await claim(queue, { kinds: ['old', 'new'] })).toMatchObject({ id: job.id });
  });

  test('that is delayed is not claimed before its time', async () => {
    const queue = newQueue();
    const job = await add(queue, { delayMs: LONG_MS });
    expect(job.state).toBe('scheduled');
    expect(await claim(queue)).toBeUndefined();
    await makeDue(job);
    expect(await claim(queue)).toMatchObject({ id: job.id });
  });

  test('waits while another of its serial key is executed', async () => {
    const queue = newQueue();
    const [first, second, other] = [
      await add(queue, { serialKey: 'a' }),
      await add(queue, { serialKey: 'a' }),
      await add(queue, { serialKey: 'b' }),
    ];
    const held = await claimed(queue);
    expect(held.id).toBe(first.id);
    expect((await claimed(queue)).id).toBe(other.id);
    expect(await claim(queue)).toBeUndefined();
    await completeJob(database, held);
    expect((await claimed(queue)).id).toBe(second.id);
  });

  test('fails, is tried again after a while, and is discarded after the last attempt', async () => {
    const queue = newQueue();
    const job = await add(queue, { maxAttempts: 2 });
    expect(await failJob(database, await claimed(queue), { error: 'first', delayMs: LONG_MS })).toMatchObject({
      state: 'retryable',
      error: 'first',
      finishedAt: null,
    });
    expect(await claim(queue)).toBeUndefined();
    await makeDue(job);
    expect(await failJob(database, await claimed(queue), { error: 'second', delayMs: LONG_MS })).toMatchObject({
      state: 'discarded',
      attempt: 2,
      error: 'second',
    });
  });

  test('that must not be tried again is discarded at once', async () => {
    const queue = newQueue();
    await add(queue);
    expect(await failJob(database, await claimed(queue), { error: 'hope\0less', delayMs: 0, retry: false })).toMatchObject({
      state: 'discarded',
      attempt: 1,
    });
  });

  test('that is snoozed keeps its attempt', async () => {
    const queue = newQueue();
    await add(queue);
    expect(await snoozeJob(database, await claimed(queue), LONG_MS)).toMatchObject({ state: 'scheduled', attempt: 0 });
    expect(await claim(queue)).toBeUndefined();
  });

  test('that has ended for long is deleted', async () => {
    const queue = newQueue();
    const [old, fresh] = [await add(queue), await add(queue)];
    for (let count = 0; count < 2; count += 1) await completeJob(database, await claimed(queue));
    await sql`UPDATE jobs SET finished_at = now() - interval '2 hours' WHERE id = ${old.id}`.execute(database.db);
    expect(await pruneJobs(database, LONG_MS)).toBe(1);
    expect(await getJob(database, old.id)).toBeUndefined();
    expect(await getJob(database, fresh.id)).toBeDefined();
  });
});

describe('a fence', () => {
  /** A worker that was thought dead, and the one that has its job now. */
  async function overtaken(): Promise<{ stale: Job; live: Job }> {
    const queue = newQueue();
    await add(queue);
    const stale = await claimed(queue);
    await expire(stale);
    expect(await sweepJobs(database)).toMatchObject({ rescued: 1, discarded: 0 });
    const live = await claimed(queue);
    expect(live.fence).toBeGreaterThan(stale.fence);
    return { stale, live };
  }

  test('keeps one who was overtaken from ending, renewing or committing', async () => {
    const { stale, live } = await overtaken();
    await expect(completeJob(database, stale)).rejects.toMatchObject(lost);
    await expect(failJob(database, stale, { error: 'late', delayMs: 0 })).rejects.toMatchObject(lost);
    await expect(snoozeJob(database, stale, 0)).rejects.toMatchObject(lost);
    await expect(database.transaction((tx) => requireClaim(tx, stale))).rejects.toMatchObject(lost);
    expect(await renewJob(database, stale, LONG_MS)).toBe(false);
    expect(await getJob(database, live.id)).toMatchObject({ state: 'executing', fence: live.fence });
    await completeJob(database, live);
  });

  test('takes back what the one who was overtaken wrote with it', async () => {
    const { stale } = await overtaken();
    const stream = `test-${uuidv7()}`;
    const work = database.transaction(async (tx) => {
      await appendToStream(tx, stream, {
        events: [{ type: 'done', data: 1 }],
        expectedVersion: 'any',
        principal: { kind: 'node', id: 'n' },
      });
      await completeJob(tx, stale);
    });
    await expect(work).rejects.toMatchObject(lost);
    expect(await readStream(database, stream)).toMatchObject({ exists: false });
  });

  test('is raised by a cancellation', async () => {
    const queue = newQueue();
    await add(queue);
    const held = await claimed(queue);
    expect(await cancelJob(database, held.id, 'no longer wanted')).toMatchObject({ state: 'cancelled', error: 'no longer wanted' });
    expect(await renewJob(database, held, LONG_MS)).toBe(false);
    await expect(completeJob(database, held)).rejects.toMatchObject(lost);
    expect(await cancelJob(database, held.id)).toBeUndefined();
  });
});

describe('the sweeper', () => {
  test('discards what has no attempt left, and leaves alone what is alive', async () => {
    const queue = newQueue();
    const [last, alive] = [await add(queue, { maxAttempts: 1 }), await add(queue)];
    await expire(await claimed(queue));
    const held = await claimed(queue);
    expect(held.id).toBe(alive.id);
    expect(await sweepJobs(database)).toMatchObject({ rescued: 0, discarded: 1 });
    expect(await getJob(database, last.id)).toMatchObject({ state: 'discarded', error: expect.stringContaining('went away') });
    expect(await getJob(database, alive.id)).toMatchObject({ state: 'executing' });
  });

  test('tells what is due, and when the next is', async () => {
    const queue = newQueue();
    await sql`DELETE FROM jobs`.execute(database.db);
    expect(await sweepJobs(database)).toMatchObject({ due: [], nextInMs: null });
    const due = await add(queue);
    await add(newQueue(), { delayMs: 60_000 });
    const swept = await sweepJobs(database);
    expect(swept.due).toEqual([{ queue, id: due.id }]);
    expect(swept.nextInMs).toBeGreaterThan(50_000);
    expect(swept.nextInMs).toBeLessThanOrEqual(60_000);
  });

  test('does not end a lease that is renewed', async () => {
    const queue = newQueue();
    await add(queue);
    const held = await claimed(queue, { leaseMs: 1 });
    expect(await renewJob(database, held, LONG_MS)).toBe(true);
    expect(await sweepJobs(database)).toMatchObject({ rescued: 0 });
    await completeJob(database, held);
  });

  test('ends a lease that has run out by itself', async () => {
    const queue = newQueue();
    await add(queue);
    await claimed(queue, { leaseMs: 20 });
    await vi.waitFor(async () => expect(await sweepJobs(database)).toMatchObject({ rescued: 1 }));
    expect(await claim(queue)).toMatchObject({ attempt: 2 });
  });
});

describe('enqueue', () => {
  test('makes one job for a unique key, until that has ended', async () => {
    const queue = newQueue();
    const requests = Array.from({ length: 5 }, () => enqueue(database, { queue, kind: 'work', args: 1, uniqueKey: 'only' }));
    const results = await Promise.all(requests);
    expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(results.map(({ job }) => job.id)).size).toBe(1);
    await completeJob(database, await claimed(queue));
    expect(await enqueue(database, { queue, kind: 'work', args: 1, uniqueKey: 'only' })).toMatchObject({ duplicate: false });
  });

  test('refuses when the queue is full, but knows what is in it', async () => {
    const queue = newQueue();
    const request = { queue, kind: 'work', args: 1, limit: 3, retryAfterMs: 250 };
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, (_, index) => enqueue(database, { ...request, uniqueKey: `u${index}` })),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected']);
    await expect(enqueue(database, request)).rejects.toMatchObject({ code: 'queue_full', retryAfterMs: 250, details: { queue, limit: 3 } });
    expect(await enqueue(database, { ...request, uniqueKey: 'u1' })).toMatchObject({ duplicate: true });
    await claimed(queue);
    expect(await enqueue(database, request)).toMatchObject({ duplicate: false });
  });

  test('in a transaction tells of the job after the commit, and not at all after a rollback', async () => {
    const queue = newQueue();
    const told: string[] = [];
    const stop = database.listen(JOBS_CHANNEL, (payload) => void told.push(payload));
    const { job } = await database.transaction(async (tx) => {
      const result = await enqueue(tx, { queue, kind: 'work', args: 1 });
      expect(told).toEqual([]);
      return result;
    });
    expect(told).toEqual([JSON.stringify({ queue, id: job.id })]);
    const rolledBack = new Error('rolled back');
    const work = database.transaction(async (tx) => {
      await enqueue(tx, { queue, kind: 'work', args: 2 });
      throw rolledBack;
    });
    await expect(work).rejects.toBe(rolledBack);
    expect(told).toHaveLength(1);
    stop();
  });
});

test('counts are per queue', async () => {
  await sql`DELETE FROM jobs`.execute(database.db);
  const [one, two] = [`a-${newQueue()}`, `b-${newQueue()}`];
  await add(one);
  await add(one);
  await add(one, { delayMs: LONG_MS });
  await claimed(one);
  await add(two, { delayMs: LONG_MS });
  await completeJob(database, (await add(two, { kind: 'quick' })) && (await claimed(two)));
  expect(await countJobs(database)).toEqual([
    { queue: one, available: 1, scheduled: 1, executing: 1, oldestMs: expect.any(Number) },
    { queue: two, available: 0, scheduled: 1, executing: 0, oldestMs: 0 },
  ]);
});
