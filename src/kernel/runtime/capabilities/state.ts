// ctx.state: what one run of a call reads and sets of its instance. Nothing is written before the call has ended well.
import { SeedError, toSeedError } from '#lib/error.ts';
import type { InstanceTurn } from '../instance.ts';
import type { Capability, CapabilityRequest } from './capability.ts';

export class CallState implements Capability {
  readonly names = ['state.get', 'state.set'] as const;
  /** As it was last set; undefined when it was not. */
  json: string | undefined;
  /** The store could not give it: not the agent's doing, and not to be counted against its version. */
  storeError: SeedError | undefined;
  /** What was last set is too large for the contract. */
  sizeError: SeedError | undefined;
  readonly #turn: InstanceTurn;

  constructor(turn: InstanceTurn) {
    this.#turn = turn;
  }

  async serve({ name, args, call }: CapabilityRequest): Promise<string> {
    // Asked for again after a wait: what this run has set is what it reads.
    if (name === 'state.get') return this.json ?? this.#get();
    this.json = JSON.stringify(args);
    this.sizeError = tooLarge(this.json, call.version.contract.limits.stateBytes);
    return 'null';
  }

  async #get(): Promise<string> {
    try {
      return (await this.#turn.stateJson()) ?? 'null';
    } catch (error) {
      throw (this.storeError = toSeedError(error));
    }
  }
}

function tooLarge(json: string, limitBytes: number): SeedError | undefined {
  const sizeBytes = Buffer.byteLength(json);
  if (sizeBytes <= limitBytes) return undefined;
  return new SeedError('agent_error', `the state has ${sizeBytes} bytes, its contract allows ${limitBytes}`);
}
