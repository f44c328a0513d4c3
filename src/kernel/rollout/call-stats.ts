// How the calls of one version went lately: counts and a latency histogram in slices of time, so that a version can be
// compared with what its predecessor did just before.

const SLICE_MS = 5_000;
const SLICES = 24;
/** Bucket i holds durations up to FIRST_US × GROWTH^i. */
const FIRST_US = 50;
const GROWTH = 1.15;
const BUCKETS = 100;
const LOG_GROWTH = Math.log(GROWTH);

interface Slice {
  number: number;
  calls: number;
  errors: number;
  limitHits: number;
  buckets: Uint32Array;
  ownBuckets: Uint32Array;
}

export interface CallFigures {
  calls: number;
  /** Calls that failed by the agent's fault, limit hits included. */
  errors: number;
  /** Calls that were ended by their own limit. */
  limitHits: number;
  /** 0..1; 0 when there were no calls. */
  errorRate: number;
  /** Milliseconds, upper edge of its bucket (15 % wide); null when there were no calls. */
  p95Ms: number | null;
  /** The same of the time that was the version's own doing: inside its isolate, and waiting for what it asked for. */
  ownP95Ms: number | null;
}

export interface ObservedCall {
  /** As its caller saw it. */
  durationUs: number;
  /** Inside its isolate, and waiting for what it asked for. */
  ownUs: number;
  outcome: 'ok' | 'error' | 'limit';
}

export class CallStats {
  readonly #slices: Slice[] = [];
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** A call has ended now. */
  observe({ durationUs, ownUs, outcome }: ObservedCall): void {
    const slice = this.#sliceAt(this.#monotonicMs());
    slice.calls += 1;
    if (outcome !== 'ok') slice.errors += 1;
    if (outcome === 'limit') slice.limitHits += 1;
    count(slice.buckets, durationUs);
    count(slice.ownBuckets, ownUs);
  }

  /** Figures of the last so many ms, to the slice of 5 s; at most two minutes are kept. Default all of them. */
  figures(lastMs = Infinity): CallFigures {
    const sinceMs = this.#monotonicMs() - lastMs;
    const buckets = new Uint32Array(BUCKETS);
    const ownBuckets = new Uint32Array(BUCKETS);
    let calls = 0;
    let errors = 0;
    let limitHits = 0;
    for (const slice of this.#slices) {
      if ((slice.number + 1) * SLICE_MS <= sinceMs) continue;
      calls += slice.calls;
      errors += slice.errors;
      limitHits += slice.limitHits;
      add(buckets, slice.buckets);
      add(ownBuckets, slice.ownBuckets);
    }
    const errorRate = calls === 0 ? 0 : errors / calls;
    return { calls, errors, limitHits, errorRate, p95Ms: quantileMs(buckets, calls, 0.95), ownP95Ms: quantileMs(ownBuckets, calls, 0.95) };
  }

  #sliceAt(atMs: number): Slice {
    const number = Math.floor(atMs / SLICE_MS);
    const last = this.#slices.at(-1);
    if (last !== undefined && last.number >= number) return last;
    const slice: Slice = {
      number,
      calls: 0,
      errors: 0,
      limitHits: 0,
      buckets: new Uint32Array(BUCKETS),
      ownBuckets: new Uint32Array(BUCKETS),
    };
    this.#slices.push(slice);
    if (this.#slices.length > SLICES) this.#slices.shift();
    return slice;
  }
}

function count(buckets: Uint32Array, durationUs: number): void {
  const bucket = durationUs <= FIRST_US ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(durationUs / FIRST_US) / LOG_GROWTH));
  buckets[bucket] = (buckets[bucket] ?? 0) + 1;
}

function add(sum: Uint32Array, more: Uint32Array): void {
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) sum[bucket] = (sum[bucket] ?? 0) + (more[bucket] ?? 0);
}

function quantileMs(buckets: Uint32Array, calls: number, share: number): number | null {
  if (calls === 0) return null;
  let seen = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    seen += buckets[bucket] ?? 0;
    if (seen >= calls * share) return (FIRST_US * GROWTH ** bucket) / 1000;
  }
  return (FIRST_US * GROWTH ** (BUCKETS - 1)) / 1000;
}
