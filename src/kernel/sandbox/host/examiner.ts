// The evaluation's own isolate: kept from candidate to candidate, with a fresh context for each. It sees a candidate only as JSON.
import type ivm from 'isolated-vm';
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

const MEMORY_MB = 128;
/** Of samples that are kept, as texts: some hundreds of 5,000 numbers. */
const KEPT_CHARS = 8_000_000;

export interface EvaluationInfo {
  bestPossible: number | null;
  inside: boolean;
  reported: readonly string[];
}

export class Examiner {
  readonly #isolates: GuestIsolates;
  readonly #js: string;
  #parts: GuestIsolate | undefined;
  #script: ivm.Script | undefined;
  #cache: ivm.ExternalCopy<ArrayBuffer> | undefined;
  /** By set and seed; null where the text would not be the sample. */
  readonly #samples = new Map<string, string | null>();
  #keptChars = 0;
  #users = 0;
  #isRetired = false;

  constructor(js: string, isolates: GuestIsolates) {
    this.#js = js;
    this.#isolates = isolates;
  }

  /** A candidate waits for it. */
  reserve(): void {
    this.#users += 1;
  }

  release(): void {
    this.#users -= 1;
    if (this.#isRetired && this.#users === 0) this.#dispose();
  }

  /** Its isolate ends with the last candidate that waits for it. */
  retire(): void {
    this.#isRetired = true;
    if (this.#users === 0) this.#dispose();
  }

  /** For one candidate, in the evaluation's isolate. @throws what its top level threw, or the timeout */
  begin(timeoutMs: number): { context: GuestContext; info: EvaluationInfo; cpuNs: () => bigint } {
    if (this.#parts === undefined || this.#parts.isolate.isDisposed) {
      this.#dispose();
      this.#parts = this.#isolates.create(MEMORY_MB);
      this.#script = this.#compile(this.#parts.isolate);
    }
    const { isolate } = this.#parts;
    const context = createContext(this.#parts);
    return {
      context,
      info: this.#adopt({ context, script: this.#script!, timeoutMs }),
      cpuNs: () => (isolate.isDisposed ? 0n : isolate.cpuTime),
    };
  }

  /**
   * The sample of a seed as a text, drawn once for all candidates, where none of them ever is: a context that has seen nothing else. Null
   * when it is to be drawn where it is used.
   */
  sampleJson(set: string, { seed, timeoutMs }: { seed: number; timeoutMs: number }): string | null {
    const key = `${seed} ${set}`;
    const kept = this.#samples.get(key);
    if (kept !== undefined) return kept;
    const { context } = this.begin(timeoutMs);
    try {
      const record = textOf(context.entry.applySync(undefined, ['sample', set, seed], { ...AS_COPY, timeout: timeoutMs }) as EntryResult);
      // One that throws does so again, beside the candidate, and is reported from there.
      const json = record.startsWith('sample\t') ? record.slice('sample\t'.length) : null;
      this.#keep(key, json);
      return json;
    } finally {
      this.end(context);
    }
  }

  end(context: GuestContext): void {
    if (this.#parts !== undefined && !this.#parts.isolate.isDisposed) releaseContext(context);
  }

  /** In a candidate's context, before the candidate. */
  join(parts: GuestIsolate, options: { context: GuestContext; timeoutMs: number }): EvaluationInfo {
    return this.#adopt({ ...options, script: this.#compile(parts.isolate) });
  }

  #keep(key: string, json: string | null): void {
    this.#samples.set(key, json);
    this.#keptChars += charsOf(key, json);
    for (const [oldest, text] of this.#samples) {
      if (this.#keptChars <= KEPT_CHARS) break;
      this.#samples.delete(oldest);
      this.#keptChars -= charsOf(oldest, text);
    }
  }

  #compile(isolate: ivm.Isolate): ivm.Script {
    const cache = this.#cache === undefined ? { produceCachedData: true } : { cachedData: this.#cache };
    const script = isolate.compileScriptSync(agentSource(this.#js), { filename: 'evaluation.js', ...cache });
    this.#cache ??= (script as { cachedData?: ivm.ExternalCopy<ArrayBuffer> }).cachedData;
    return script;
  }

  #adopt(options: { context: GuestContext; script: ivm.Script; timeoutMs: number }): EvaluationInfo {
    const { context, script, timeoutMs } = options;
    script.runSync(context.context, { timeout: timeoutMs });
    const json = textOf(context.entry.applySync(undefined, ['examine'], { ...AS_COPY, timeout: timeoutMs }) as EntryResult);
    return JSON.parse(json) as EvaluationInfo;
  }

  #dispose(): void {
    if (this.#parts !== undefined) this.#isolates.dispose(this.#parts.isolate);
    this.#parts = undefined;
  }
}

function charsOf(key: string, json: string | null): number {
  return key.length + (json?.length ?? 0);
}
