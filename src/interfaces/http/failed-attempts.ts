// How often somebody has shown a wrong secret: modest, because 32 random bytes are not guessed. A right secret always passes,
// so that nobody can lock out others who come through the same proxy.
import { SeedError } from '#lib/error.ts';

export interface FailedAttemptsOptions {
  /** In one window. Default 20. */
  limit?: number;
  /** Default a minute. */
  windowMs?: number;
  /** Addresses that are remembered; the oldest is forgotten. Default 10,000. */
  capacity?: number;
  monotonicMs?: () => number;
}

export interface FailedAttempts {
  /** One more; the error to answer: `unauthenticated`, or `rate_limited` beyond the limit. */
  refuse(address: string | undefined, message: string, hint?: string): SeedError;
  /** Addresses that are remembered now. */
  size(): number;
}

export function createFailedAttempts(options: FailedAttemptsOptions = {}): FailedAttempts {
  const { limit = 20, windowMs = 60_000, capacity = 10_000, monotonicMs = () => performance.now() } = options;
  const windows = new Map<string, { count: number; endsAtMs: number }>();
  return {
    refuse(address = 'socket', message, hint) {
      const nowMs = monotonicMs();
      let window = windows.get(address);
      if (window === undefined || nowMs >= window.endsAtMs) {
        window = { count: 0, endsAtMs: nowMs + windowMs };
        windows.delete(address);
        windows.set(address, window);
        if (windows.size > capacity) windows.delete(windows.keys().next().value as string);
      }
      window.count += 1;
      if (window.count <= limit) return new SeedError('unauthenticated', message, hint === undefined ? {} : { hint });
      return new SeedError('rate_limited', `too many wrong secrets from ${address}`, { retryAfterMs: window.endsAtMs - nowMs });
    },
    size: () => windows.size,
  };
}
