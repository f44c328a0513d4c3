// The hosts that answer calls: every live version is loaded in each of them, so that any can take over from one that died.
import { SeedError } from '#lib/error.ts';
import type { CallOutcome, CallRequest, Divergence, LoadRequest, ReplayOutcome, ReplayRequest } from '../sandbox/call.ts';

/** What is needed of a sandbox host. */
export interface ServingHost {
  load(request: LoadRequest): Promise<unknown>;
  unload(hash: string): Promise<unknown>;
  call(request: CallRequest): Promise<CallOutcome>;
  replay(request: ReplayRequest): Promise<ReplayOutcome>;
}

export interface HostAnswer {
  outcome: CallOutcome;
  /** Where a call that goes on from its journal left it. */
  divergence: Divergence | null;
  hostId: string;
}

/** How long a call waits for a host while all of them are being replaced, one after the other if it must be. */
const HOST_WAIT_MS = 10_000;

/**
 * Calls on the synchronous path that one host is given before the next: they take some 20 µs each, and what they cost is the way
 * there, which calls that go together share.
 */
const HOME_CALLS = 64;

/** What is under way on a host that is wanted for one call alone may go on for so long; then it is in company after all. */
const EMPTY_WITHIN_MS = 2_000;

interface Slot {
  host: ServingHost;
  inFlight: number;
  /** For one call alone: others go elsewhere, or wait. */
  reserved: boolean;
  /** Versions that are being loaded: calls go elsewhere if there is such a place. */
  loading: number;
  /** Told when its last call has ended. */
  onEmpty: (() => void) | null;
}

export class ServingHosts {
  readonly #slots = new Map<string, Slot>();
  readonly #loaded = new Map<string, LoadRequest>();
  #alone: Promise<unknown> = Promise.resolve();
  readonly #waiting = new Set<() => void>();
  readonly #mayCome: () => boolean;

  /** @param mayCome whether a host is expected at all while there is none; default always */
  constructor(mayCome: () => boolean = () => true) {
    this.#mayCome = mayCome;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** A host has become ready: it is given every live version before it takes calls. */
  async join(id: string, host: ServingHost): Promise<void> {
    const given = new Set<string>();
    // Versions may be added while the others are loading.
    for (let missing = this.#missing(given); missing.length > 0; missing = this.#missing(given)) {
      await Promise.all(missing.map((request) => host.load(request)));
      for (const request of missing) given.add(request.hash);
    }
    this.#slots.set(id, { host, inFlight: 0, reserved: false, loading: 0, onEmpty: null });
    this.#wake();
  }

  /** A host has ended, or is about to. */
  leave(id: string, host: ServingHost): void {
    if (this.#slots.get(id)?.host === host) this.#slots.delete(id);
  }

  /**
   * Makes a version callable in every host: in one after the other, the idlest first, so that calls have one to go to that is not at it.
   * @throws what the first host that could not load it said
   */
  async load(request: LoadRequest): Promise<void> {
    this.#loaded.set(request.hash, request);
    try {
      for (const entry of [...this.#slots].toSorted(([, a], [, b]) => a.inFlight - b.inFlight)) {
        await this.#loadIn(entry, request);
      }
    } catch (error) {
      // Those before the one that refused have it.
      await this.unload(request.hash);
      throw error;
    }
  }

  async unload(hash: string): Promise<void> {
    if (!this.#loaded.delete(hash)) return;
    await Promise.allSettled([...this.#slots.values()].map((slot) => slot.host.unload(hash)));
  }

  isLoaded(hash: string): boolean {
    return this.#loaded.has(hash);
  }

  /** Runs a call, avoiding the host that `avoid` names: on the version's home host while it is quick, else on the least busy one. */
  async call(request: CallRequest | ReplayRequest, avoid?: string): Promise<HostAnswer> {
    const [id, slot] = this.#choose(request, avoid) ?? (await this.#wait(request, avoid));
    return this.#run(id, slot, request);
  }

  /**
   * Runs a call on a host that runs nothing else meanwhile, one such call after the other: of several, one of them, nobody knows which,
   * ended its host, and the next death must say who it was.
   */
  callAlone(request: CallRequest | ReplayRequest): Promise<HostAnswer> {
    const result = this.#alone.then(async () => {
      const [id, slot] = this.#choose(request, undefined) ?? (await this.#wait(request, undefined));
      slot.reserved = true;
      try {
        await emptied(slot);
        return await this.#run(id, slot, request);
      } finally {
        slot.reserved = false;
        this.#wake();
      }
    });
    this.#alone = result.catch(() => undefined);
    return result;
  }

  async #run(hostId: string, slot: Slot, request: CallRequest | ReplayRequest): Promise<HostAnswer> {
    slot.inFlight += 1;
    try {
      if ('journal' in request) return { ...(await slot.host.replay(request)), hostId };
      return { outcome: await slot.host.call(request), divergence: null, hostId };
    } finally {
      slot.inFlight -= 1;
      if (slot.inFlight === 0) slot.onEmpty?.();
    }
  }

  /** @throws what a host that is still a member said */
  async #loadIn([id, slot]: [string, Slot], request: LoadRequest): Promise<void> {
    slot.loading += 1;
    try {
      await slot.host.load(request);
    } catch (error) {
      if (this.#slots.get(id) === slot) throw error;
    } finally {
      slot.loading -= 1;
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
  }

  #missing(given: ReadonlySet<string>): LoadRequest[] {
    return [...this.#loaded.values()].filter((request) => !given.has(request.hash));
  }

  #choose({ path, hash }: CallRequest, avoid: string | undefined): [string, Slot] | undefined {
    let best: [string, Slot] | undefined;
    let untilHome = path === 'sync' ? homeOf(hash, this.#slots.size) : -1;
    for (const entry of this.#slots) {
      const isHome = untilHome === 0;
      untilHome -= 1;
      if (entry[1].reserved || (entry[0] === avoid && this.#slots.size > 1)) continue;
      if (isHome && entry[1].inFlight < HOME_CALLS && entry[1].loading === 0) return entry;
      if (best === undefined || isFreer(entry[1], best[1])) best = entry;
    }
    return best;
  }

  /** A host that came may be gone again before this call had its turn: it waits for the next one then. */
  async #wait(request: CallRequest, avoid: string | undefined): Promise<[string, Slot]> {
    const untilMs = performance.now() + HOST_WAIT_MS;
    for (let leftMs = HOST_WAIT_MS; leftMs > 0; leftMs = untilMs - performance.now()) {
      if (this.#slots.size === 0 && !this.#mayCome()) break;
      await this.#joined(leftMs);
      const chosen = this.#choose(request, avoid);
      if (chosen !== undefined) return chosen;
    }
    throw new SeedError('unavailable', 'no sandbox host is ready', { retryAfterMs: 1_000, hint: 'see: seed system:status' });
  }

  /** Until the next host joins or is free again, or so long. */
  async #joined(atMostMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    const timer = setTimeout(resolve, atMostMs);
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }
}

function isFreer(slot: Slot, other: Slot): boolean {
  return slot.loading === other.loading ? slot.inFlight < other.inFlight : slot.loading < other.loading;
}

/** Versions are spread over the hosts. @returns 0 … size - 1 */
function homeOf(hash: string, size: number): number {
  return (hash.charCodeAt(0) * 16 + hash.charCodeAt(1)) % size;
}

/** Until nothing is under way on it, or so long. */
async function emptied(slot: Slot): Promise<void> {
  if (slot.inFlight === 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  slot.onEmpty = resolve;
  const timer = setTimeout(resolve, EMPTY_WITHIN_MS);
  await promise;
  clearTimeout(timer);
  slot.onEmpty = null;
}
