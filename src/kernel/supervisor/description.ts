// A supervision tree as plain data, for the status page, the command line and health checks.
import type { ExitReason } from './exit-reason.ts';
import type { ChildType, Restart, Strategy } from './words.ts';

/**
 * `restarting`: it ended and is being started again, or waits for that. `stopped`: specified, but not running
 * (never started, ended in good order, or terminated by call).
 */
export type ChildStatus = 'starting' | 'running' | 'restarting' | 'stopping' | 'stopped';

export interface ChildDescription {
  id: string;
  type: ChildType;
  restart: Restart;
  status: ChildStatus;
  /** Null for what lives in its supervisor's process. */
  pid: number | null;
  /** ISO 8601; null unless it runs. */
  startedAt: string | null;
  /** Times it was started again without being asked for, by its own fault or a sibling's. */
  restarts: number;
  lastExit: { kind: ExitReason['kind']; message: string | null; at: string } | null;
  /** Resident memory, put in by whoever measures it. */
  memoryBytes?: number;
  /** Of a supervisor. */
  strategy?: Strategy;
  /** Of a supervisor, in start order. */
  children?: readonly ChildDescription[];
}
