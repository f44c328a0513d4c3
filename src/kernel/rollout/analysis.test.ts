import { expect, test } from 'vitest';
import { contractSchema } from '../compiler/contract.ts';
import { analyse } from './analysis.ts';
import type { CallFigures } from './call-stats.ts';

const policy = contractSchema.shape.rollout.parse(undefined);

function figures(given: Partial<CallFigures>): CallFigures {
  const calls = given.calls ?? 0;
  const errors = given.errors ?? 0;
  const p95Ms = given.p95Ms ?? (calls === 0 ? null : 10);
  return { calls, errors, limitHits: 0, errorRate: calls === 0 ? 0 : errors / calls, p95Ms, ownP95Ms: p95Ms, ...given };
}

test.each([
  ['no traffic is never success', figures({ calls: 100 }), figures({}), true, 'unverified'],
  ['too little traffic is not success either', figures({ calls: 100 }), figures({ calls: 19 }), true, 'unverified'],
  ['enough good calls', figures({ calls: 100 }), figures({ calls: 20 }), true, 'successful'],
  ['nothing is decided before the time is over', figures({ calls: 100 }), figures({ calls: 1_000 }), false, 'continue'],
  ['more failures than before end it at once', figures({ calls: 100 }), figures({ calls: 50, errors: 3 }), false, 'failed'],
  ['failures that were there before do not', figures({ calls: 100, errors: 6 }), figures({ calls: 50, errors: 3 }), true, 'successful'],
  ['three failures of three calls are enough', figures({ calls: 100 }), figures({ calls: 3, errors: 3 }), false, 'failed'],
  ['one failure of one call is not', figures({ calls: 100 }), figures({ calls: 1, errors: 1 }), false, 'continue'],
  ['limit hits end it at once', figures({ calls: 100 }), figures({ calls: 4, errors: 4, limitHits: 4 }), false, 'failed'],
  ['a p95 that doubled', figures({ calls: 100 }), figures({ calls: 100, p95Ms: 21 }), true, 'failed'],
  [
    'a p95 that doubled while the machine was busy',
    figures({ calls: 100 }),
    figures({ calls: 100, p95Ms: 21, ownP95Ms: 11 }),
    true,
    'successful',
  ],
  ['a p95 that doubled within a millisecond', figures({ calls: 100, p95Ms: 0.4 }), figures({ calls: 100, p95Ms: 1.2 }), true, 'successful'],
  ['a p95 with nothing to compare it with', figures({}), figures({ calls: 100, p95Ms: 500 }), true, 'successful'],
] as const)('%s', (_name, stable, canary, ended, phase) => {
  expect(analyse(stable, canary, { policy, ended }).phase).toBe(phase);
});
