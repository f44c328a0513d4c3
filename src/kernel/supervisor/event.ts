// What a supervisor tells the world: for logs and for the count of restarts per child and reason.
import type { ExitReason } from './exit-reason.ts';

interface About {
  /** Ids from the outermost supervisor down to the child. */
  path: readonly string[];
  id: string;
}

export type SupervisorEvent =
  | (About & { type: 'start'; pid: number | undefined; durationMs: number })
  | (About & { type: 'start_error'; reason: ExitReason })
  /** `asked`: the supervisor wanted it to end. `killed` although asked: it did not end within its shutdownMs. */
  | (About & { type: 'exit'; reason: ExitReason; asked: boolean; uptimeMs: number })
  /** It runs again, without anybody's call; `causedBy` is another child when it only shared that one's strategy. */
  | (About & { type: 'restart'; reason: ExitReason; causedBy: string })
  /** The supervisor itself ends, because of this child. */
  | (About & { type: 'escalation'; cause: 'intensity' | 'auto_shutdown'; reason: ExitReason });

export type SupervisorListener = (event: SupervisorEvent) => void;
