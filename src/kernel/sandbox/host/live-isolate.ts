// One version in one isolate: its script and the contexts it is shared by, as the contract's isolation says.
import type ivm from 'isolated-vm';
import { MAX_CHUNK_BYTES, type LoadRequest } from '../call.ts';
import type { BlackBoxWriter } from '../black-box.ts';
import {
  AS_COPY,
  agentSource,
  createContext,
  releaseContext,
  textOf,
  type EntryResult,
  type GuestContext,
  type GuestIsolate,
  type GuestIsolates,
} from './guest-isolates.ts';
import type { Execution, LimitFailure, Meter, Watchdog } from './watchdog.ts';

/** Of `isolation: 'key'`: contexts that are kept while nobody calls them. */
const MAX_KEY_CONTEXTS = 32;

export interface LiveIsolateOptions {
  request: LoadRequest;
  isolates: GuestIsolates;
  watchdog: Watchdog;
  blackBox: BlackBoxWriter;
  /** Black box slots that are free. */
  slots: number[];
}

/** Who pays for an entry. */
export interface Payer {
  call: number;
  meter: Meter;
  onLimit: (failure: LimitFailure) => void;
}

/** The clock and seed that code sees which runs while no call does. */
export interface Start {
  timeMs: number;
  seed: number;
}

export class LiveIsolate {
  disposed = false;
  /** What the module offers, as JSON; known once a context has run it. */
  exportsJson = '';
  readonly #options: LiveIsolateOptions;
  readonly #parts: GuestIsolate;
  readonly #settingsJson: string;
  readonly #keys = new Map<string, GuestContext>();
  readonly #slot: number;
  #agent: ivm.Script | undefined;
  #shared: GuestContext | undefined;
  #running = false;

  /** @throws when the host is full */
  constructor(options: LiveIsolateOptions) {
    const { request, isolates, slots } = options;
    const slot = slots.pop();
    if (slot === undefined) throw new Error('the host holds as many isolates as it may');
    this.#slot = slot;
    this.#options = options;
    this.#parts = isolates.create(request.limits.memoryMb);
    this.#settingsJson = JSON.stringify({
      agent: request.agent,
      capabilities: request.capabilities,
      limits: { ...request.limits, chunkBytes: MAX_CHUNK_BYTES },
    });
  }

  /** Whether the isolate has ended, by our hand or because it hit its memory limit. */
  get gone(): boolean {
    return this.#parts.isolate.isDisposed;
  }

  /** Compiles the version and runs its top level once, so that what is wrong with it shows now. */
  async prepare(payer: Payer, start: Start): Promise<void> {
    const { js } = this.#options.request;
    this.#agent = await this.#run(payer, () => this.#parts.isolate.compileScript(agentSource(js), { filename: 'agent.js' }));
    const context = await this.#populate(payer, start);
    if (this.#options.request.isolation === 'version') this.#shared = context;
    else releaseContext(context);
  }

  /** As `prepare`, on the host's own thread. @throws what the top level threw, or the timeout */
  prepareSync(start: Start, timeoutMs: number): void {
    const { js, isolation } = this.#options.request;
    this.#agent = this.#parts.isolate.compileScriptSync(agentSource(js), { filename: 'agent.js' });
    const context = this.#blank(start);
    this.#agent.runSync(context.context, { timeout: timeoutMs });
    this.exportsJson = this.enterSync(context, { values: ['serve'], timeoutMs });
    if (isolation === 'version') this.#shared = context;
    else releaseContext(context);
  }

  /** Null when the call's context must be made first. */
  contextFor(keyJson: string): GuestContext | null {
    if (this.#shared !== undefined) return this.#shared;
    const known = this.#keys.get(keyJson);
    if (known === undefined) return null;
    this.#keys.delete(keyJson);
    this.#keys.set(keyJson, known);
    return known;
  }

  async makeContext(
    keyJson: string,
    options: { payer: Payer; start: Start; inUse: (context: GuestContext) => boolean },
  ): Promise<GuestContext> {
    const context = await this.#populate(options.payer, options.start);
    this.#keep(keyJson, { context, inUse: options.inUse });
    return context;
  }

  /** On the host's own thread, for a fresh context a call. @throws what the module's top level threw, or the timeout */
  makeContextSync(options: { start: Start; timeoutMs: number }): GuestContext {
    const context = this.#blank(options.start);
    try {
      this.#agent?.runSync(context.context, { timeout: options.timeoutMs });
      context.entry.applySync(undefined, ['serve'], { ...AS_COPY, timeout: options.timeoutMs });
      return context;
    } catch (error) {
      if (!this.gone) releaseContext(context);
      throw error;
    }
  }

  /** A context that is only one call's ends with it. */
  release(context: GuestContext): void {
    if (this.#options.request.isolation === 'call' && !this.gone) releaseContext(context);
  }

  /** An entry on the host's own thread. @throws the timeout, or a rejection nobody handled */
  enterSync(context: GuestContext, options: { values: readonly (string | number | boolean)[]; timeoutMs: number }): string {
    return textOf(context.entry.applySync(undefined, options.values as never, { ...AS_COPY, timeout: options.timeoutMs }) as EntryResult);
  }

  /** An entry on a thread of its own. Rejects as `enterSync` throws, but for the timeout: limits are the payer's. */
  enter(context: GuestContext, options: { payer: Payer; values: readonly (string | number | boolean)[] }): Promise<string> {
    const execution = this.#begin(options.payer);
    return (context.entry.apply(undefined, options.values as never, AS_COPY) as Promise<EntryResult>).then(
      (result) => {
        this.#end(execution);
        return textOf(result);
      },
      (error: unknown) => {
        this.#end(execution);
        throw error;
      },
    );
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.#options.isolates.dispose(this.#parts.isolate);
    if (this.#running) return;
    this.leave();
    this.#options.slots.push(this.#slot);
  }

  async #run<T>(payer: Payer, enter: () => Promise<T>): Promise<T> {
    const execution = this.#begin(payer);
    try {
      return await enter();
    } finally {
      this.#end(execution);
    }
  }

  #begin(payer: Payer): Execution {
    this.#running = true;
    this.#options.blackBox.enter(this.#slot, payer.call);
    return this.#options.watchdog.begin({ isolate: this.#parts.isolate, ...payer });
  }

  #end(execution: Execution): void {
    this.#running = false;
    this.#options.watchdog.end(execution);
    if (!this.disposed) return;
    this.leave();
    this.#options.slots.push(this.#slot);
  }

  /** Nobody's entry follows: the black box must no longer name the last one. Another's would have overwritten it, at half the price. */
  leave(): void {
    this.#options.blackBox.leave(this.#slot);
  }

  #blank(start: Start): GuestContext {
    const context = createContext(this.#parts);
    context.entry.applySync(undefined, ['configure', this.#settingsJson], AS_COPY);
    context.entry.applySync(undefined, ['clock', start.timeMs, start.seed], AS_COPY);
    return context;
  }

  async #populate(payer: Payer, start: Start): Promise<GuestContext> {
    const context = this.#blank(start);
    try {
      await this.#run(payer, async () => this.#agent?.run(context.context));
      this.exportsJson = await this.enter(context, { payer, values: ['serve'] });
      return context;
    } catch (error) {
      if (!this.gone) releaseContext(context);
      throw error;
    }
  }

  #keep(keyJson: string, options: { context: GuestContext; inUse: (context: GuestContext) => boolean }): void {
    if (this.#options.request.isolation !== 'key') return;
    this.#keys.set(keyJson, options.context);
    for (const [key, context] of this.#keys) {
      if (this.#keys.size <= MAX_KEY_CONTEXTS) break;
      if (options.inUse(context)) continue;
      this.#keys.delete(key);
      releaseContext(context);
    }
  }
}
