// Stands between a call and what the node can do: serves what the contract grants, refuses the rest, and tells how it went.
import { SeedError } from '#lib/error.ts';
import { emit } from '#telemetry/emit.ts';
import type { CallingCall, Capability, CapabilityRequest } from './capability.ts';

export class Broker {
  readonly #byName: ReadonlyMap<string, Capability>;

  constructor(capabilities: readonly Capability[]) {
    this.#byName = byName(capabilities);
  }

  /** @param own capabilities of this call alone, such as the state of its instance */
  open(call: CallingCall, own: readonly Capability[]): BrokeredCall {
    return new BrokeredCall(call, { shared: this.#byName, own: own.length === 0 ? NONE : byName(own) });
  }
}

/** The capabilities of one run of a call. */
export class BrokeredCall {
  /** Milliseconds the call waited for answers, each counted by itself. */
  waitedMs = 0;
  readonly #call: CallingCall;
  readonly #from: { shared: ReadonlyMap<string, Capability>; own: ReadonlyMap<string, Capability> };
  #ended = false;
  /** Most calls never ask for anything that could be aborted. */
  #controller: AbortController | null = null;

  constructor(call: CallingCall, from: { shared: ReadonlyMap<string, Capability>; own: ReadonlyMap<string, Capability> }) {
    this.#call = call;
    this.#from = from;
  }

  /** @throws SeedError `forbidden` for what the contract does not grant; whatever the capability throws */
  async serve(name: string, args: unknown, seq: number): Promise<string> {
    const { agent } = this.#call.version;
    const startedMs = performance.now();
    let outcome: 'ok' | 'error' | 'refused' = 'refused';
    // Whoever has taken over an isolate could ask for any name: only those that exist are counted.
    let capability = 'unknown';
    try {
      const served = this.#granted(name);
      capability = name;
      outcome = 'error';
      const answer = await served.serve(this.#request(name, args, seq));
      outcome = 'ok';
      return answer;
    } finally {
      const ms = performance.now() - startedMs;
      this.waitedMs += ms;
      emit('seed_agent.capability.request', { duration_us: Math.round(ms * 1000) }, { agent, capability, outcome });
    }
  }

  /** The run is over: what it still waits for is aborted. */
  close(): void {
    this.#ended = true;
    this.#controller?.abort();
  }

  #granted(name: string): Capability {
    const { contract, agent } = this.#call.version;
    const [word] = name.split('.', 1);
    const capability = this.#from.own.get(name) ?? this.#from.shared.get(name);
    if (capability === undefined || !contract.capabilities.some((granted) => granted === word)) {
      throw new SeedError('forbidden', `the contract of ${agent} does not grant ${JSON.stringify(name.slice(0, 80))}`, {
        hint: 'list it under capabilities in contract.ts',
      });
    }
    return capability;
  }

  #request(name: string, args: unknown, seq: number): CapabilityRequest {
    const signal = (): AbortSignal => {
      this.#controller ??= new AbortController();
      if (this.#ended) this.#controller.abort();
      return this.#controller.signal;
    };
    return {
      name,
      args,
      seq,
      call: this.#call,
      get signal() {
        return signal();
      },
    };
  }
}

const NONE: ReadonlyMap<string, Capability> = new Map();

function byName(capabilities: readonly Capability[]): ReadonlyMap<string, Capability> {
  return new Map(capabilities.flatMap((capability) => capability.names.map((name) => [name, capability] as const)));
}
