// The black box of a host: a small file without a name that both processes hold. Before the host enters an isolate it writes the
// number of the call into a slot, so that after its death, however it died, the parent knows what it was doing.
import { closeSync, readSync, writeSync } from 'node:fs';
import { openUnlinkedFile } from './unlinked-file.ts';

// Slots are numbers of eight bytes. The first two are the host's own: why it ended itself, and for which call.
const VERDICT = 0;
const CULPRIT = 1;
const MAIN_THREAD = 2;
/** The first slot of an isolate that runs on a thread of its own. */
export const FIRST_ISOLATE_SLOT = 3;
export const SLOTS = 512;
const SLOT_BYTES = 8;

/** stuck: an isolate did not end when it was told to. memory: the process grew too fast. catastrophic: V8 gave the isolate up. */
export type HostVerdict = 'stuck' | 'memory' | 'catastrophic';
const VERDICTS: readonly HostVerdict[] = ['stuck', 'memory', 'catastrophic'];

export interface BlackBoxRecord {
  verdict: HostVerdict | null;
  /** The call the verdict is about, where there is only one. */
  culprit: number | null;
  /** Calls that were being executed. */
  executing: readonly number[];
}

/** The parent's side. */
export class BlackBox implements Disposable {
  /** To be inherited by the host. */
  readonly fd: number;

  constructor() {
    this.fd = openUnlinkedFile();
    writeSync(this.fd, new Uint8Array(SLOTS * SLOT_BYTES), 0, SLOTS * SLOT_BYTES, 0);
  }

  read(): BlackBoxRecord {
    const slots = new Float64Array(SLOTS);
    readSync(this.fd, new Uint8Array(slots.buffer), 0, slots.byteLength, 0);
    return {
      verdict: VERDICTS[(slots[VERDICT] ?? 0) - 1] ?? null,
      culprit: slots[CULPRIT] || null,
      executing: [...slots.subarray(MAIN_THREAD)].filter((call) => call !== 0),
    };
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** The host's side: about a microsecond a write. */
export class BlackBoxWriter {
  readonly #fd: number;
  readonly #number = new Float64Array(1);
  readonly #bytes = new Uint8Array(this.#number.buffer);
  #onMainThread = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  enter(slot: number, call: number): void {
    this.#write(slot, call);
  }

  leave(slot: number): void {
    this.#write(slot, 0);
  }

  /** The next call overwrites the one before; `leaveMainThread` comes once, when the turn of the loop is over. */
  enterMainThread(call: number): void {
    this.#onMainThread = true;
    this.#write(MAIN_THREAD, call);
  }

  leaveMainThread(): void {
    if (!this.#onMainThread) return;
    this.#onMainThread = false;
    this.#write(MAIN_THREAD, 0);
  }

  judge(verdict: HostVerdict, culprit: number | null): void {
    this.#write(CULPRIT, culprit ?? 0);
    this.#write(VERDICT, VERDICTS.indexOf(verdict) + 1);
  }

  #write(slot: number, value: number): void {
    this.#number[0] = value;
    writeSync(this.#fd, this.#bytes, 0, SLOT_BYTES, slot * SLOT_BYTES);
  }
}
