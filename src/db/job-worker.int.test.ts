import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { uuidv7 } from '#lib/id.ts';
import { inProcessQueue } from '#kernel/cluster/queues/in-process.ts';
import type { Database } from './database.ts';
import { endFormerLife } from './former-life.ts';
import type { JobHandler } from './job-attempt.ts';
import { JobWorker, type QueueOptions, type Wakeups } from './job-worker.ts';
import type { Job } from './job-row.ts';
import { claimJob } from './job-claim.ts';
import { cancelJob, enqueue, getJob, type JobRequest } from './jobs.ts';
import { appendToStream, readStream } from './streams.ts';
import { testDatabase } from './testing.ts';

let database: Database;
const errors: unknown[] = [];
const workers: JobWorker[] = [];
const onError = (error: unknown): void => void errors.push(error);
const wakeups = inProcessQueue({ onError });
const principal = { kind: 'node', id: 'node-1' };
const newQueue = (): string => `test-${uuidv7()}`;

beforeAll(async () => {
  database = await testDatabase();
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close()));
  if (errors.length > 0) throw new AggregateError(errors.splice(0));
});
afterAll(async () => {
  await wakeups.close();
  await database.close();
});

function startWorker(
  queue: string,
  work: JobHandler,
  options: Partial<QueueOptions> & { wakeups?: Wakeups; sweepMs?: number } = {},
): JobWorker {
  const { wakeups: own = wakeups, sweepMs = 50, ...queueOptions } = options;
  const worker = new JobWorker({
    database,
    onError,
    sweepMs,
    wakeups: own,
    owner: 'node-1',
    queues: { [queue]: { handlers: { work }, ...queueOptions } },
  });
  workers.push(worker);
  return worker;
}

async function add(queue: string, request: Partial<JobRequest> = {}): Promise<Job> {
  return (await enqueue(database, { queue, kind: 'work', args: null, ...request })).job;
}

const stateOf = async (job: Job): Promise<string | undefined> => (await getJob(database, job.id))?.state;

describe('a worker', () => {
  test('executes what was there and what comes', async () => {
    const queue = newQueue();
    const seen: unknown[] = [];
    await add(queue, { args: 'before' });
    startWorker(queue, async ({ args }) => void seen.push(args));
    await vi.waitFor(() => expect(seen).toEqual(['before']));
    const job = await add(queue, { args: 'after' });
    await vi.waitFor(async () => expect(await stateOf(job)).toBe('completed'));
    expect(seen).toEqual(['before', 'after']);
  });

  test('finds a job that no wake-up told of', async () => {
    const queue = newQueue();
    const deaf: Wakeups = { notify: () => {}, subscribe: () => () => {} };
    startWorker(queue, async () => {}, { wakeups: deaf, sweepMs: 5 });
    const job = await add(queue);
    await vi.waitFor(async () => expect(await stateOf(job)).toBe('completed'));
  });

  test('executes so many at a time as allowed, and one at a time of a serial key', async () => {
    const queue = newQueue();
    let running = 0;
    let most = 0;
    const full = Promise.withResolvers<void>();
    const perKey = new Map<unknown, number>();
    let mostPerKey = 0;
    const jobs: Job[] = [];
    for (let index = 0; index < 12; index += 1) jobs.push(await add(queue, { args: index % 2, serialKey: `key-${index % 2}` }));
    for (let index = 0; index < 8; index += 1) jobs.push(await add(queue, { args: `free-${index}` }));
    startWorker(
      queue,
      async ({ args }) => {
        most = Math.max(most, (running += 1));
        perKey.set(args, (perKey.get(args) ?? 0) + 1);
        mostPerKey = Math.max(mostPerKey, perKey.get(args) ?? 0);
        if (running === 4) full.resolve();
        await full.promise;
        perKey.set(args, (perKey.get(args) ?? 0) - 1);
        running -= 1;
      },
      { concurrency: 4 },
    );
    await vi.waitFor(async () => expect(new Set(await Promise.all(jobs.map(stateOf)))).toEqual(new Set(['completed'])), {
      timeout: 10_000,
    });
    expect(most).toBe(4);
    expect(mostPerKey).toBe(1);
  });

  test('tries a failed job again, and discards it in the end', async () => {
    const queue = newQueue();
    let attempts = 0;
    startWorker(queue, () => Promise.reject(new Error(`failure ${(attempts += 1)}`)), { backoffMs: () => 1 });
    const job = await add(queue, { maxAttempts: 3 });
    await vi.waitFor(async () =>
      expect(await getJob(database, job.id)).toMatchObject({ state: 'discarded', attempt: 3, error: 'failure 3' }),
    );
    expect(attempts).toBe(3);
  });

  test('snoozes and discards as the handler says', async () => {
    const queue = newQueue();
    let calls = 0;
    startWorker(queue, async ({ args }) =>
      args === 'bad' ? { discard: 'makes no sense' } : (calls += 1) === 1 ? { snoozeMs: 1 } : undefined,
    );
    const [bad, early] = [await add(queue, { args: 'bad' }), await add(queue)];
    await vi.waitFor(async () =>
      expect(await getJob(database, bad.id)).toMatchObject({ state: 'discarded', error: 'makes no sense', attempt: 1 }),
    );
    await vi.waitFor(async () => expect(await getJob(database, early.id)).toMatchObject({ state: 'completed', attempt: 1 }));
  });

  test('commits the last writes of a job with its end', async () => {
    const queue = newQueue();
    const stream = newQueue();
    startWorker(queue, async (_job, { commit, complete }) => {
      await commit(
        async (tx) => void (await appendToStream(tx, stream, { events: [{ type: 'begun', data: 1 }], expectedVersion: 0, principal })),
      );
      await complete(
        async (tx) => void (await appendToStream(tx, stream, { events: [{ type: 'done', data: 2 }], expectedVersion: 1, principal })),
      );
    });
    const job = await add(queue);
    await vi.waitFor(async () => expect(await stateOf(job)).toBe('completed'));
    expect((await readStream(database, stream)).events.map(({ type }) => type)).toEqual(['begun', 'done']);
  });

  test('tells a handler that its job was cancelled, and lets it commit nothing more', async () => {
    const queue = newQueue();
    const started = Promise.withResolvers<void>();
    const refusal = Promise.withResolvers<unknown>();
    startWorker(
      queue,
      async (_job, { signal, complete }) => {
        started.resolve();
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        await complete(async () => {}).catch(refusal.resolve);
      },
      { leaseMs: 60 },
    );
    const job = await add(queue);
    await started.promise;
    await cancelJob(database, job.id);
    expect(await refusal.promise).toMatchObject({ code: 'conflict' });
    expect(await stateOf(job)).toBe('cancelled');
  });

  test('keeps a long job alive beyond its lease', async () => {
    const queue = newQueue();
    const enough = Promise.withResolvers<void>();
    let calls = 0;
    startWorker(
      queue,
      async () => {
        calls += 1;
        await enough.promise;
      },
      { leaseMs: 150, sweepMs: 10 },
    );
    const job = await add(queue);
    const leases = new Set<number>();
    await vi.waitFor(
      async () => {
        leases.add((await getJob(database, job.id))?.leaseUntil?.getTime() ?? 0);
        expect(leases.size).toBeGreaterThan(8);
      },
      { timeout: 10_000 },
    );
    enough.resolve();
    await vi.waitFor(async () => expect(await getJob(database, job.id)).toMatchObject({ state: 'completed', attempt: 1 }));
    expect(calls).toBe(1);
  });

  test('fails an attempt that takes too long', async () => {
    const queue = newQueue();
    const aborted = Promise.withResolvers<unknown>();
    startWorker(
      queue,
      (_job, { signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            aborted.resolve(signal.reason);
            resolve();
          });
        }),
      { timeoutMs: 20 },
    );
    const job = await add(queue, { maxAttempts: 1 });
    expect(await aborted.promise).toMatchObject({ code: 'deadline' });
    expect(await getJob(database, job.id)).toMatchObject({ state: 'discarded', error: expect.stringContaining('20 ms') });
  });

  test('takes the job of a node that died, when its lease has run out', async () => {
    const queue = newQueue();
    const job = await add(queue);
    await claimJob(database, { queue, owner: 'dead', leaseMs: 30 });
    startWorker(queue, async () => {}, { sweepMs: 10 });
    await vi.waitFor(async () => expect(await getJob(database, job.id)).toMatchObject({ state: 'completed', attempt: 2 }));
  });

  test('takes the job of its former life at once', async () => {
    const queue = newQueue();
    const job = await add(queue);
    await claimJob(database, { queue, owner: 'former', leaseMs: 3_600_000 });
    expect(await endFormerLife(database)).toEqual({ interruptedJobs: 1 });
    startWorker(queue, async () => {});
    await vi.waitFor(async () => expect(await getJob(database, job.id)).toMatchObject({ state: 'completed', attempt: 2 }));
  });
});

describe('draining', () => {
  test('waits for what is under way and takes nothing more', async () => {
    const queue = newQueue();
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const worker = startWorker(queue, async () => {
      started.resolve();
      await finish.promise;
    });
    const [first, second] = [await add(queue), await add(queue)];
    await started.promise;
    const drained = worker.drain(60_000);
    finish.resolve();
    await drained;
    expect([await stateOf(first), await stateOf(second)]).toEqual(['completed', 'available']);
    expect(worker.runningCount).toBe(0);
  });

  test('gives back what does not end in time, with its attempt', async () => {
    const queue = newQueue();
    const started = Promise.withResolvers<void>();
    const late = Promise.withResolvers<unknown>();
    const worker = startWorker(queue, async (_job, { signal, complete }) => {
      started.resolve();
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      await complete(async () => {}).catch(late.resolve);
    });
    const job = await add(queue);
    await started.promise;
    await worker.close();
    expect(await getJob(database, job.id)).toMatchObject({ state: 'scheduled', attempt: 0, owner: null });
    expect(await late.promise).toMatchObject({ code: 'conflict' });
    await sql`DELETE FROM jobs WHERE id = ${job.id}`.execute(database.db);
  });
});
