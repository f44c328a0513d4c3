// What is kept for a while only: records of calls, answers that may be repeated, snapshots of states, and who did what.
import type { Database } from '#db/database.ts';
import { pruneActivity } from '#domains/identity/index.ts';
import { pruneSnapshots } from '#domains/runtime/state-history-store.ts';
import { pruneCalls } from '#domains/runtime/call-store.ts';
import { pruneFeedback } from '#domains/runtime/feedback-store.ts';
import { pruneParked } from '#domains/runtime/parked-call-store.ts';
import { pruneUses } from '#domains/runtime/capability-use-store.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const KEPT_MS = {
  calls: 7 * DAY_MS,
  answers: 2 * DAY_MS,
  activity: 90 * DAY_MS,
  snapshots: 30 * DAY_MS,
  uses: 90 * DAY_MS,
  /** With the calls that it is about. */
  feedback: 90 * DAY_MS,
} as const;

export interface RetentionOptions {
  database: Database;
  /** ms since the epoch. */
  nowMs: () => number;
  onError: (error: unknown) => void;
}

/** Looks every hour, the first time a minute after the start: a node that is restarted often prunes too. */
export function startRetention(options: RetentionOptions): { close: () => void } {
  const look = (): void => void prune(options.database, options.nowMs()).catch(options.onError);
  const first = setTimeout(look, MINUTE_MS).unref();
  const hourly = setInterval(look, HOUR_MS).unref();
  return {
    close: () => {
      clearTimeout(first);
      clearInterval(hourly);
    },
  };
}

/** @returns how many rows went */
export async function prune(
  database: Database,
  nowMs: number,
): Promise<{ calls: number; activity: number; snapshots: number; uses: number }> {
  await pruneFeedback(database, new Date(nowMs - KEPT_MS.feedback));
  const calls = await pruneCalls(database, { calls: nowMs - KEPT_MS.calls, answers: nowMs - KEPT_MS.answers });
  await pruneParked(database, new Date(nowMs - KEPT_MS.calls));
  const activity = await pruneActivity(database, new Date(nowMs - KEPT_MS.activity));
  const snapshots = await pruneSnapshots(database, new Date(nowMs - KEPT_MS.snapshots));
  const uses = await pruneUses(database, new Date(nowMs - KEPT_MS.uses));
  return { calls, activity, snapshots, uses };
}
