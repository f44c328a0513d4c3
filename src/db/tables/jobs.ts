// Jobs: the row is the truth, whatever wakes a worker.
import { bigint, defaulted, integer, json, nullable, text, timestamp, uuid } from '../columns.ts';

/** Oban's words. `available`, `scheduled` and `retryable` wait; `completed`, `discarded` and `cancelled` have ended. */
export type JobState = 'available' | 'scheduled' | 'executing' | 'retryable' | 'completed' | 'discarded' | 'cancelled';

export const jobTables = {
  jobs: {
    id: uuid(),
    queue: text(),
    kind: text(),
    args: json(),
    state: text<JobState>(),
    /** Smaller first. */
    priority: defaulted(integer()),
    attempt: defaulted(integer()),
    max_attempts: integer(),
    /** Raised by every claim and by a cancellation; whoever holds an older one can change nothing. */
    fence: defaulted(bigint()),
    owner: nullable(text()),
    lease_until: nullable(timestamp()),
    run_at: defaulted(timestamp()),
    /** At most one job that has not ended per queue and unique key. */
    unique_key: nullable(text()),
    /** Jobs of one queue with the same serial key run one at a time. */
    serial_key: nullable(text()),
    error: nullable(text()),
    created_at: defaulted(timestamp()),
    attempted_at: nullable(timestamp()),
    finished_at: nullable(timestamp()),
  },
} as const;
