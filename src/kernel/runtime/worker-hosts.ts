// Hosts that are started when there is work and ended when there has been none for a while: evaluators and the validator.
// Each does one piece of work at a time.
import { SeedError } from '#lib/error.ts';
import type { RunningChild } from '../supervisor/child.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

export interface WorkerHostsOptions<Host> {
  /** Ids of the children are `<name>-1`, … */
  name: string;
  /** Processes at most. */
  size: number;
  /** Hosts are its dynamic, temporary children. */
  supervisor: () => Supervisor;
  start: (id: string) => Promise<{ host: Host; child: RunningChild }>;
  /** Without work for this long a host is ended. */
  idleMs: number;
  /** A host is ended after so much work: what one piece left behind does not reach the next for long. Default: never. */
  maxWork?: number;
  /** One that ends, however, has its successor started at once, and not when there is work for it; idleness is no end. Default false. */
  isReplaced?: boolean;
  /** Pieces of work that may wait. */
  queueLimit: number;
}

interface Slot<Host> {
  id: string;
  host: Host;
  gone: boolean;
  work: number;
  /** Whether another is wanted when it has ended. */
  isWanted: boolean;
  idleTimer: NodeJS.Timeout | null;
}

interface Waiting<Host> {
  resolve: (slot: Slot<Host>) => void;
  reject: (error: unknown) => void;
}

export class WorkerHosts<Host> {
  readonly #options: WorkerHostsOptions<Host>;
  readonly #idle: Slot<Host>[] = [];
  readonly #waiting: Waiting<Host>[] = [];
  #count = 0;
  #next = 1;
  #closed = false;

  constructor(options: WorkerHostsOptions<Host>) {
    this.#options = options;
  }

  /** Processes now. */
  get count(): number {
    return this.#count;
  }

  /** Runs a piece of work on a free host. @throws what `work` throws; SeedError `queue_full`, `unavailable`, the signal's reason */
  async use<T>(work: (host: Host) => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const slot = await this.#take();
    slot.isWanted = true;
    try {
      signal?.throwIfAborted();
      return await work(slot.host);
    } finally {
      this.#give(slot);
    }
  }

  /** Ends all hosts; whoever waits is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(new SeedError('unavailable', `${this.#options.name} hosts are stopping`));
    await Promise.all(this.#idle.splice(0).map((slot) => this.#end(slot)));
  }

  async #take(): Promise<Slot<Host>> {
    const { size, queueLimit, name } = this.#options;
    if (this.#closed) throw new SeedError('unavailable', `${name} hosts are stopping`);
    for (let slot = this.#idle.pop(); slot !== undefined; slot = this.#idle.pop()) {
      if (slot.idleTimer !== null) clearTimeout(slot.idleTimer);
      slot.idleTimer = null;
      if (!slot.gone) return slot;
    }
    if (this.#count < size) return this.#start();
    if (this.#waiting.length >= queueLimit) {
      throw new SeedError('queue_full', `${this.#waiting.length} pieces of work already wait for ${name} hosts`, { retryAfterMs: 1_000 });
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #give(slot: Slot<Host>): void {
    slot.work += 1;
    const { maxWork = Number.POSITIVE_INFINITY } = this.#options;
    if (slot.gone) return;
    // Its place is free once it has ended.
    if (slot.work >= maxWork || this.#closed) return void this.#end(slot);
    this.#offer(slot);
  }

  #offer(slot: Slot<Host>): void {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return waiting.resolve(slot);
    this.#idle.push(slot);
    slot.idleTimer = setTimeout(() => {
      const index = this.#idle.indexOf(slot);
      if (index !== -1) this.#idle.splice(index, 1);
      slot.isWanted = false;
      void this.#end(slot);
    }, this.#options.idleMs);
  }

  async #start(): Promise<Slot<Host>> {
    const { name, supervisor, start } = this.#options;
    this.#count += 1;
    const id = `${name}-${this.#next++}`;
    let started: Host | undefined;
    const result = await supervisor().startChild({
      id,
      restart: 'temporary',
      shutdownMs: 1_000,
      start: async () => {
        const { host, child } = await start(id);
        started = host;
        return child;
      },
    });
    if (!result.ok || started === undefined) {
      this.#count -= 1;
      this.#startForWaiting();
      throw new SeedError('unavailable', `${id} could not be started: ${result.ok ? 'it was ignored' : result.message}`);
    }
    const slot: Slot<Host> = { id, host: started, gone: false, work: 0, isWanted: false, idleTimer: null };
    void result.child?.exited.then(() => {
      slot.gone = true;
      this.#count -= 1;
      this.#startForWaiting();
      // One that never had work is not: it might end as soon as it starts, again and again.
      if (this.#options.isReplaced === true && slot.isWanted) this.#startSpare();
    });
    return slot;
  }

  /** A place has become free. */
  #startForWaiting(): void {
    if (this.#closed || this.#count >= this.#options.size) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) this.#start().then(waiting.resolve, waiting.reject);
  }

  #startSpare(): void {
    if (this.#closed || this.#count >= this.#options.size) return;
    // Whoever waits for it has one of its own tried.
    this.#start().then(
      (slot) => (this.#closed ? void this.#end(slot) : this.#offer(slot)),
      () => undefined,
    );
  }

  async #end(slot: Slot<Host>): Promise<void> {
    if (slot.idleTimer !== null) clearTimeout(slot.idleTimer);
    await this.#options.supervisor().terminateChild(slot.id);
  }
}
