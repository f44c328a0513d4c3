// Port: something an agent may ask the node for. Grants, limits and the books are the broker's; a capability only serves.
import type { ContractData } from '../../compiler/contract.ts';
import type { ChainLink } from '../instance-waits.ts';
import type { ServedVersion } from '../served-version.ts';

/** The call that asks, as the node knows it: nothing of this comes out of the isolate. */
export interface CallingCall {
  id: string;
  version: ServedVersion;
  exportName: string;
  /** Instance key; null for a stateless call. */
  key: string | null;
  principal: { kind: string; id: string };
  /** The calls that led here, this one last. */
  chain: readonly ChainLink[];
  /** Monotonic ms at which a calling agent stops waiting; null: nobody said. */
  deadlineAtMs: number | null;
}

export interface CapabilityRequest {
  /** One of the capability's `names`. */
  name: string;
  /** JSON, as the isolate sent it: not checked by anybody yet. */
  args: unknown;
  /** Numbered from 1 within the call, in the order the isolate asked. */
  seq: number;
  call: CallingCall;
  /** Aborted when the call is over, however it ended: what is still under way then is for nobody. Made when it is first read. */
  readonly signal: AbortSignal;
  /** Bytes that the answer may still have; Infinity where the capability has no budget. */
  bytesLeft: number;
  /** What is written down about this use, where the capability has a budget; filled in while it is served. */
  use: UseNotes;
}

export interface UseNotes {
  /** Where it went: a host, an agent. No secrets. */
  target: string | null;
  /** For the operator, not for the agent. */
  detail: string | null;
}

/** What one call may use of a capability. */
export interface Budget {
  uses: number;
  /** Arguments and answers together. */
  bytes: number;
}

export interface Capability {
  /** Requests it serves: the name that a contract grants, alone or with a member (`state.get`). */
  readonly names: readonly string[];
  /** For what reaches beyond the call itself: it is then counted, limited and written down. */
  budget?(contract: ContractData): Budget;
  /**
   * @returns the answer as JSON text. A rejection becomes an error inside the isolate, with its name, message and code, so the
   *   message is for the agent: nothing secret, nothing of the machine.
   */
  serve(request: CapabilityRequest): Promise<string>;
}
