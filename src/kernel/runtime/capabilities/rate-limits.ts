// How much of a capability an agent may use within a minute, over all its calls: a bucket for uses and one for bytes, each
// filling up as time goes by.
import { SeedError } from '#lib/error.ts';

export interface Rate {
  perMinute: number;
  bytesPerMinute: number;
}

interface Bucket {
  uses: number;
  /** May fall below 0: how much an answer has is known afterwards. */
  bytes: number;
  atMs: number;
}

const MINUTE_MS = 60_000;

export class RateLimits {
  readonly #buckets = new Map<string, Bucket>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Takes one use. @throws SeedError `rate_limited`, with the time after which there is one */
  take(agent: string, capability: string, rate: Rate): void {
    const bucket = this.#filled(agent, capability, rate);
    const waitMs = Math.max(until(1, bucket.uses, rate.perMinute), until(1, bucket.bytes, rate.bytesPerMinute));
    if (waitMs > 0) {
      const limit = bucket.uses < 1 ? `${rate.perMinute} uses` : `${rate.bytesPerMinute} bytes`;
      const message = `${agent} has used up its ${limit} of ${capability} in a minute; there is more in ${Math.ceil(waitMs)} ms`;
      throw new SeedError('rate_limited', message, { retryAfterMs: Math.ceil(waitMs) });
    }
    bucket.uses -= 1;
  }

  spend(agent: string, capability: string, options: { rate: Rate; bytes: number }): void {
    this.#filled(agent, capability, options.rate).bytes -= options.bytes;
  }

  #filled(agent: string, capability: string, { perMinute, bytesPerMinute }: Rate): Bucket {
    const name = `${agent}\n${capability}`;
    const nowMs = this.#monotonicMs();
    const bucket = this.#buckets.get(name) ?? { uses: perMinute, bytes: bytesPerMinute, atMs: nowMs };
    const share = (nowMs - bucket.atMs) / MINUTE_MS;
    bucket.uses = Math.min(perMinute, bucket.uses + perMinute * share);
    bucket.bytes = Math.min(bytesPerMinute, bucket.bytes + bytesPerMinute * share);
    bucket.atMs = nowMs;
    this.#buckets.set(name, bucket);
    return bucket;
  }
}

/** Milliseconds until a bucket that holds `has` holds `wanted`. */
function until(wanted: number, has: number, perMinute: number): number {
  return has >= wanted ? 0 : ((wanted - has) / perMinute) * MINUTE_MS;
}
