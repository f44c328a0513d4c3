// Why a host ended and which calls it was running, from what both sides know of it. Pure.
import type { CallFailure } from './call.ts';
import { isFromOutside } from './culprits.ts';
import type { HostEnd } from './host-process.ts';
import type { KillReason } from './host-watch.ts';

export interface HostCause {
  /** What a call that alone was the cause has done. */
  failure: Extract<CallFailure, 'memory_limit' | 'cpu_limit' | 'host_lost'>;
  /** For people. */
  how: string;
  /** Numbers of the calls that may have been the cause: one is the suspect, of several each may be. */
  running: readonly number[];
  /** Whether its end is the doing of what it ran. */
  isBlamed: boolean;
}

/** `killed`: why the parent ended it, if it did; `closed` was nobody's fault. */
export function causeOf({ exit, record }: HostEnd, killed: KillReason | 'closed' | null): HostCause {
  if (killed === 'closed') return { failure: 'host_lost', how: 'the sandbox host was closed', running: [], isBlamed: false };
  const running = record.culprit === null ? record.executing : [record.culprit];
  const isBlamed = killed !== null || record.verdict !== null || !isFromOutside(exit);
  const cause = (failure: HostCause['failure'], how: string): HostCause => ({ failure, how, running, isBlamed });
  if (killed === 'memory' || record.verdict === 'memory') return cause('memory_limit', 'the sandbox host grew too fast and was ended');
  if (record.verdict === 'catastrophic') return cause('host_lost', 'the JavaScript engine lost control of an isolate');
  if (killed !== null || record.verdict === 'stuck') return cause('cpu_limit', 'the sandbox host did not answer and was ended');
  return cause('host_lost', `the sandbox host ended (${exit.signal ?? `exit code ${exit.code}`})`);
}
