// A proposer whose program or server does not work is not asked again and again: after some failures in a row it is left alone for a
// while, then one improvement may try whether it works again.
import { isSeedError, SeedError } from '#lib/error.ts';
import { formatDuration } from '#lib/duration.ts';
import type { Proposer, ProposerEvent, ProposalRequest } from './proposer.ts';

export interface CircuitBreakerOptions {
  monotonicMs: () => number;
  /** In a row, until it is left alone. Default 3. */
  failures?: number;
  /** For so long. Default ten minutes. */
  restMs?: number;
  /** It failed in a way that somebody has to see to: `missing_api_key`, `unauthorized`, `not_installed` … */
  onFailed: (proposer: string, failure: string) => void;
}

/** Only `unavailable` counts: what a proposer says of itself, and not what became of its candidates. */
export function circuitBreaker(proposer: Proposer, options: CircuitBreakerOptions): Proposer {
  const { monotonicMs, failures = 3, restMs = 600_000, onFailed } = options;
  let inARow = 0;
  let untilMs = 0;
  let last = '';
  return {
    ...proposer,
    async *propose(request: ProposalRequest): AsyncGenerator<ProposerEvent, void, void> {
      const leftMs = untilMs - monotonicMs();
      if (leftMs > 0) {
        throw new SeedError('unavailable', `${proposer.name} is left alone for ${formatDuration(leftMs)}: ${last}`, {
          retryAfterMs: leftMs,
        });
      }
      try {
        yield* proposer.propose(request);
        inARow = 0;
      } catch (error) {
        if (isSeedError(error) && error.code === 'unavailable') {
          const { failure = 'failed' } = (error.details ?? {}) as { failure?: string };
          inARow += 1;
          last = error.message;
          // One that fails again after its rest rests again at once.
          if (inARow >= failures) untilMs = monotonicMs() + restMs;
          onFailed(proposer.name, failure);
        }
        throw error;
      }
    },
  };
}
