// Makes isolates that are ready for guests: locked down, with the runtime's entry in hand and nothing of the host inside.
import ivm from 'isolated-vm';
import { guestScript } from '../guest/guest-script.ts';
import type { GuestEntry } from '../guest/runtime.ts';

export interface GuestIsolate {
  readonly isolate: ivm.Isolate;
  readonly guest: ivm.Script;
  /** Made beforehand, for whoever wants the first context. */
  blank: GuestContext | null;
}

/** A context with nobody's code in it yet. */
export interface GuestContext {
  readonly context: ivm.Context;
  readonly entry: ivm.Reference<GuestEntry>;
}

/** What an entry gives back: its records are in `out`, or it is the text itself. */
export type EntryResult = string | { out: string };

/** Every entry's result is a text, or an object of the runtime's own with one text in it: nothing of the agent's is ever copied. */
export const AS_COPY = { result: { copy: true } } as const;

const SPARE_AFTER_MS = 10;

export class GuestIsolates {
  readonly #text = guestScript();
  readonly #onCatastrophe: () => void;
  #cachedData: ivm.ExternalCopy<ArrayBuffer> | undefined;
  #count = 0;
  #spare: { memoryMb: number; parts: GuestIsolate } | null = null;
  #sparing: NodeJS.Timeout | null = null;

  constructor(onCatastrophe: () => void) {
    this.#onCatastrophe = onCatastrophe;
  }

  get count(): number {
    return this.#count;
  }

  create(memoryMb: number): GuestIsolate {
    this.#count += 1;
    const spare = this.#spare;
    if (spare?.memoryMb !== memoryMb) return this.#make(memoryMb);
    this.#spare = null;
    return spare.parts;
  }

  /**
   * Makes an isolate with a context beforehand, a moment from now: a version that is swapped in then finds in 0.1 ms what takes
   * 1.5 ms to make. Not at once, and not in all hosts at the same time: calls wait while it is made.
   */
  makeSpare(memoryMb: number): void {
    if (this.#spare?.memoryMb === memoryMb || this.#sparing !== null) return;
    const afterMs = SPARE_AFTER_MS * (1 + Math.random());
    this.#sparing = setTimeout(() => {
      this.#sparing = null;
      this.#spare?.parts.isolate.dispose();
      const parts = this.#make(memoryMb);
      parts.blank = createContext(parts);
      this.#spare = { memoryMb, parts };
    }, afterMs).unref();
  }

  #make(memoryMb: number): GuestIsolate {
    const isolate = new ivm.Isolate({ memoryLimit: memoryMb, onCatastrophicError: this.#onCatastrophe });
    // The cache holds machine code: only ever our own, and only within this process.
    const cache = this.#cachedData === undefined ? { produceCachedData: true } : { cachedData: this.#cachedData };
    const guest = isolate.compileScriptSync(this.#text, { filename: 'seed:guest', ...cache });
    this.#cachedData ??= (guest as { cachedData?: ivm.ExternalCopy<ArrayBuffer> }).cachedData;
    return { isolate, guest, blank: null };
  }

  dispose(isolate: ivm.Isolate): void {
    this.#count -= 1;
    try {
      isolate.dispose();
    } catch {
      // It has hit its memory limit and is gone, maybe just now on its own thread.
    }
  }
}

/** Runs our own code only, on the thread that calls: the isolate must not be busy. */
export function createContext(parts: GuestIsolate): GuestContext {
  const { isolate, guest, blank } = parts;
  parts.blank = null;
  if (blank !== null) return blank;
  const context = isolate.createContextSync();
  return { context, entry: guest.runSync(context, { reference: true }) as ivm.Reference<GuestEntry> };
}

export function releaseContext({ context, entry }: GuestContext): void {
  entry.release();
  context.release();
}

export function textOf(result: EntryResult): string {
  return typeof result === 'string' ? result : result.out;
}

/** A bundle's script, so that its last value is nothing: whatever it leaves behind stays inside. */
export function agentSource(js: string): string {
  return `${js}\n;0`;
}
