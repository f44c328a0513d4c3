// What a supervisor asks of a child, whether it is a process, a service in this process, or another supervisor.
import type { Clock } from './clock.ts';
import type { ChildDescription } from './description.ts';
import type { SupervisorListener } from './event.ts';
import type { ExitReason } from './exit-reason.ts';

/** A child between its start and its exit. */
export interface RunningChild {
  /** Of a child that is a process of its own. */
  readonly pid?: number;
  /** Settles once, with the reason, when the child has ended and holds nothing any more. Never rejects. */
  readonly exited: Promise<ExitReason>;
  /** Asks for an orderly end; `exited` tells when it is there. */
  shutdown(): void;
  /** Ends it at once. `exited` must settle soon after, whatever the child does. */
  kill(): void;
  /** Supervisors only: what is below them. */
  describe?(): ChildDescription;
  /** Supervisors only: sets the counts of restarts below them to 0. */
  resetRestarts?(): void;
}

export interface StartContext {
  /** Aborted when the supervisor gives the start up; a child that comes into being after that is killed. */
  readonly signal: AbortSignal;
  /** Ids from the outermost supervisor down to this child. */
  readonly path: readonly string[];
  readonly clock: Clock;
  readonly onEvent: SupervisorListener;
}

/**
 * Starts the child and settles when it is ready to work; a rejection is a failed start. `ignore`: nothing to run here now
 * (the specification is kept, without a child, unless it is temporary).
 */
export type StartChild = (context: StartContext) => RunningChild | 'ignore' | Promise<RunningChild | 'ignore'>;
