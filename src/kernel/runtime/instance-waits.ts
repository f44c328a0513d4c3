// Which call holds which instance, and which calls wait for one: a call that agents' calls lead back to would wait for ever.
import { SeedError } from '#lib/error.ts';

/** A call in the chain that led to another. */
export interface ChainLink {
  callId: string;
  agent: string;
  /** null: stateless. */
  key: string | null;
}

/** Where a call comes from that an agent made. */
export interface CallOrigin {
  /** Outermost first, the caller last. */
  chain: readonly ChainLink[];
  /** Monotonic ms at which the caller stops waiting. */
  deadlineAtMs: number;
}

interface Waiting {
  chain: readonly ChainLink[];
  instance: string;
}

export class InstanceWaits {
  /** Instance → call that has its turn. */
  readonly #holders = new Map<string, ChainLink>();
  readonly #waiting = new Set<Waiting>();

  /** @returns what is to be called when the call has ended */
  hold(link: ChainLink): () => void {
    const instance = instanceOf(link.agent, link.key);
    this.#holders.set(instance, link);
    return () => {
      if (this.#holders.get(instance) === link) this.#holders.delete(instance);
    };
  }

  /**
   * @returns what is to be called when its turn has come, or it has given up
   * @throws SeedError `invalid_state` with the circle, when its turn could never come
   */
  wait(chain: readonly ChainLink[], agent: string, key: string): () => void {
    const instance = instanceOf(agent, key);
    const circle = this.#circle(instance, { own: new Set(chain.map(({ callId }) => callId)), seen: new Set() });
    if (circle !== null) {
      const way = [...chain, { agent, key }, ...circle].map(shown).join(' → ');
      throw new SeedError('invalid_state', `${shown({ agent, key })} would wait for itself: ${way}`, {
        hint: 'an instance answers one call at a time: use another key, or answer before asking',
      });
    }
    const waiting = { chain, instance };
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  /** The instances on the way from this one to a call of the chain that asks; null: there is no such way. */
  #circle(instance: string, its: { own: ReadonlySet<string>; seen: Set<string> }): ChainLink[] | null {
    const holder = this.#holders.get(instance);
    if (holder === undefined || its.seen.has(instance)) return null;
    if (its.own.has(holder.callId)) return [];
    its.seen.add(instance);
    for (const { chain, instance: next } of this.#waiting) {
      if (!chain.some(({ callId }) => callId === holder.callId)) continue;
      const rest = this.#circle(next, its);
      if (rest !== null) return [...(this.#holders.get(next) === undefined ? [] : [this.#holders.get(next) as ChainLink]), ...rest];
    }
    return null;
  }
}

function instanceOf(agent: string, key: string | null): string {
  return `${agent}\n${key ?? ''}`;
}

function shown({ agent, key }: { agent: string; key: string | null }): string {
  return key === null ? agent : `${agent} ${JSON.stringify(key.slice(0, 80))}`;
}
