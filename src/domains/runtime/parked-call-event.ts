// What happens to a parked call, as its stream `call-<id>` has it. Nothing that was asked or answered is in it: that is sealed.
import { upcasters, type Event } from '#db/events.ts';

export interface OpenRequest {
  /** The request's number in its call. */
  request: number;
  kind: 'sleep' | 'ask';
  /** ms since the epoch on the database's clock; null: it is not over by itself. */
  dueMs: number | null;
}

export type ParkedCallEvent =
  | Event<'call_parked', { agent: string; key: string | null; export: string; version: number; hash: string; open: OpenRequest[] }>
  | Event<'call_answered', { request: number }>
  /** `over`: waits that ended by themselves. */
  | Event<'call_resumed', { fence: number; over: number[] }>
  /** The run could not be finished here and now, and is tried again. */
  | Event<'call_interrupted', { code: string }>
  | Event<'call_completed', Record<string, never>>
  | Event<'call_failed', { code: string }>
  /** `index`: into the entries of its journal. */
  | Event<'call_diverged', { index: number }>
  /** `fence`: of no run. */
  | Event<'call_cancelled', { reason: string; fence: number }>;

/** None has changed its shape yet. */
export const parkedCallUpcasters = upcasters([]);

export function streamOf(id: string): string {
  return `call-${id}`;
}
