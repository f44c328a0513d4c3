// Stands between a call and what the node can do: serves what the contract grants, within the call's budget and the agent's rate,
// refuses the rest, and writes down every use that reaches beyond the call.
import { SeedError, toSeedError } from '#lib/error.ts';
import { emit } from '#telemetry/emit.ts';
import type { Budget, CallingCall, Capability, CapabilityRequest, UseNotes } from './capability.ts';
import type { Policy } from './policy.ts';
import { RateLimits } from './rate-limits.ts';
import type { UseLog } from './use-log.ts';

export interface BrokerOptions {
  /** What contracts can grant beside log, now, random and state. */
  capabilities: readonly Capability[];
  policy: Policy;
  uses: UseLog;
  /** ms since the epoch */
  nowMs: () => number;
  monotonicMs: () => number;
}

type Outcome = 'ok' | 'error' | 'refused';

/** What is left of a budget. */
interface Purse {
  budget: Budget;
  usesLeft: number;
  bytesLeft: number;
}

export class Broker {
  readonly #byName: ReadonlyMap<string, Capability>;
  readonly #desk: Desk;

  constructor(options: BrokerOptions) {
    this.#byName = byName(options.capabilities);
    this.#desk = { ...options, rates: new RateLimits(options.monotonicMs) };
  }

  /** @param own capabilities of this call alone, such as the state of its instance */
  open(call: CallingCall, own: readonly Capability[]): BrokeredCall {
    return new BrokeredCall(call, { desk: this.#desk, shared: this.#byName, own: own.length === 0 ? NONE : byName(own) });
  }
}

interface Desk extends BrokerOptions {
  rates: RateLimits;
}

interface Offered {
  desk: Desk;
  shared: ReadonlyMap<string, Capability>;
  own: ReadonlyMap<string, Capability>;
}

/** The capabilities of one run of a call. */
export class BrokeredCall {
  /** Milliseconds the call waited for answers, each counted by itself. */
  waitedMs = 0;
  readonly #call: CallingCall;
  readonly #offered: Offered;
  readonly #purses = new Map<Capability, Purse>();
  #ended = false;
  /** Most calls never ask for anything that could be aborted. */
  #controller: AbortController | null = null;

  constructor(call: CallingCall, offered: Offered) {
    this.#call = call;
    this.#offered = offered;
  }

  /** @throws SeedError `forbidden` for what the contract does not grant, `rate_limited`; whatever the capability throws */
  async serve(name: string, args: unknown, seq: number): Promise<string> {
    const { monotonicMs } = this.#offered.desk;
    const startedMs = monotonicMs();
    // Whoever has taken over an isolate could ask for any name: only those that exist are counted.
    const capability = this.#find(name);
    const told = (outcome: Outcome): number => {
      const durationMs = monotonicMs() - startedMs;
      this.waitedMs += durationMs;
      const measured = { duration_us: Math.round(durationMs * 1000) };
      emit('seed_agent.capability.request', measured, {
        agent: this.#call.version.agent,
        capability: capability === undefined ? 'unknown' : name,
        outcome,
      });
      return measured.duration_us;
    };
    if (capability === undefined || !this.#isGranted(name)) {
      told('refused');
      throw notGranted(name, this.#call.version.agent);
    }
    if (capability.budget !== undefined) return this.#serveWithin(capability, { name, args, seq, told });
    try {
      const answer = await capability.serve(this.#request({ name, args, seq, bytesLeft: Infinity, use: { target: null, detail: null } }));
      told('ok');
      return answer;
    } catch (error) {
      told('error');
      throw error;
    }
  }

  /** The run is over: what it still waits for is aborted. */
  close(): void {
    this.#ended = true;
    this.#controller?.abort();
  }

  /** Something that reaches beyond the call: paid for, and written down. */
  async #serveWithin(
    capability: Capability,
    { name, args, seq, told }: { name: string; args: unknown; seq: number; told: (outcome: Outcome) => number },
  ): Promise<string> {
    const use: UseNotes = { target: null, detail: null };
    const bytesOut = Buffer.byteLength(JSON.stringify(args) ?? '');
    const note = (outcome: Outcome, its: { code: string | null; bytesIn: number }): void =>
      this.#note({ ...use, ...its, name, seq, outcome, bytesOut, durationUs: told(outcome) });
    let outcome: Outcome = 'refused';
    try {
      const purse = this.#pay(capability, name, bytesOut);
      outcome = 'error';
      const answer = await capability.serve(this.#request({ name, args, seq, bytesLeft: purse.bytesLeft, use }));
      const bytesIn = Buffer.byteLength(answer);
      this.#spend(name, bytesIn);
      purse.bytesLeft -= bytesIn;
      // Several were under way at once, each within what was left when it began.
      if (purse.bytesLeft < 0) throw usedUp(name, `${purse.budget.bytes} bytes`);
      note('ok', { code: null, bytesIn });
      return answer;
    } catch (error) {
      note(outcome, { code: toSeedError(error).code, bytesIn: 0 });
      throw error;
    }
  }

  /** @throws SeedError `rate_limited` */
  #pay(capability: Capability, name: string, bytes: number): Purse {
    const { agent, contract } = this.#call.version;
    const { rates, policy } = this.#offered.desk;
    let purse = this.#purses.get(capability);
    if (purse === undefined) {
      const budget = capability.budget?.(contract) ?? { uses: 0, bytes: 0 };
      purse = { budget, usesLeft: budget.uses, bytesLeft: budget.bytes };
      this.#purses.set(capability, purse);
    }
    if (purse.usesLeft <= 0) throw usedUp(name, `${purse.budget.uses} uses`);
    if (purse.bytesLeft < bytes || purse.bytesLeft <= 0) throw usedUp(name, `${purse.budget.bytes} bytes`);
    rates.take(agent, name, policy.rate(agent, name));
    purse.usesLeft -= 1;
    purse.bytesLeft -= bytes;
    this.#spend(name, bytes);
    return purse;
  }

  #spend(name: string, bytes: number): void {
    const { agent } = this.#call.version;
    const { rates, policy } = this.#offered.desk;
    rates.spend(agent, name, { rate: policy.rate(agent, name), bytes });
  }

  #note(
    its: UseNotes & {
      name: string;
      seq: number;
      outcome: Outcome;
      code: string | null;
      bytesOut: number;
      bytesIn: number;
      durationUs: number;
    },
  ): void {
    const { desk } = this.#offered;
    const { id, version, principal } = this.#call;
    const { name, ...use } = its;
    const { kind: principalKind, id: principalId } = principal;
    const from = { agent: version.agent, version: version.number, callId: id, principalKind, principalId };
    desk.uses.record({ atMs: desk.nowMs(), ...from, capability: name, ...use });
  }

  #find(name: string): Capability | undefined {
    return this.#offered.own.get(name) ?? this.#offered.shared.get(name);
  }

  #isGranted(name: string): boolean {
    const [word] = name.split('.', 1);
    return this.#call.version.contract.capabilities.some((granted) => granted === word);
  }

  #request(its: Omit<CapabilityRequest, 'call' | 'signal'>): CapabilityRequest {
    const signal = (): AbortSignal => {
      this.#controller ??= new AbortController();
      if (this.#ended) this.#controller.abort();
      return this.#controller.signal;
    };
    return {
      ...its,
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

function notGranted(name: string, agent: string): SeedError {
  return new SeedError('forbidden', `the contract of ${agent} does not grant ${JSON.stringify(name.slice(0, 80))}`, {
    hint: 'list it under capabilities in contract.ts',
  });
}

function usedUp(name: string, what: string): SeedError {
  return new SeedError('rate_limited', `this call has used up the ${what} of ${name} that its contract grants`);
}
