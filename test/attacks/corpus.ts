// All attacks, in the order of the table.
import { CONTRACTS, EVALUATIONS, EXAMPLES, FORGERY, LATER, LOADING, POLLUTION } from './boundary.ts';
import { payloadsOf } from './denial.ts';
import { ALLOCATION, BIG_INTEGERS, NATIVE } from './denial-memory.ts';
import { ANSWERS, DEPTH, ERRORS } from './denial-results.ts';
import { HOST_CALLS, LOGS, LOOPS, PARKING, PATTERNS, PROMISES } from './denial-time.ts';
import { CHAINS } from './escape-chains.ts';
import { escapeCauses, escapeMatrix } from './escapes.ts';
import type { Payload } from './payload.ts';

export function corpus(): Payload[] {
  return [
    ...escapeMatrix(),
    ...escapeCauses(),
    ...payloadsOf('denial', 'allocation', ALLOCATION),
    ...payloadsOf('denial', 'native', NATIVE),
    ...payloadsOf('denial', 'bigint', BIG_INTEGERS),
    ...payloadsOf('denial', 'loops', LOOPS),
    ...payloadsOf('denial', 'patterns', PATTERNS),
    ...payloadsOf('denial', 'promises', PROMISES),
    ...payloadsOf('denial', 'host-calls', HOST_CALLS),
    ...payloadsOf('denial', 'logs', LOGS),
    ...payloadsOf('denial', 'parking', PARKING),
    ...payloadsOf('denial', 'depth', DEPTH),
    ...payloadsOf('boundary', 'answers', ANSWERS),
    ...payloadsOf('boundary', 'errors', ERRORS),
    ...payloadsOf('boundary', 'pollution', POLLUTION),
    ...payloadsOf('boundary', 'forgery', FORGERY),
    ...payloadsOf('boundary', 'later', LATER),
    ...payloadsOf('boundary', 'loading', LOADING),
    ...payloadsOf('boundary', 'examples', EXAMPLES),
    ...payloadsOf('boundary', 'contracts', CONTRACTS),
    ...payloadsOf('boundary', 'evaluations', EVALUATIONS),
  ];
}

/** Each cause of an escape once, with the chains and sinks taking turns; and of the others the first of each category. */
export function sample(): Payload[] {
  const seen = new Set<string>();
  const isFirst = (key: string): boolean => !seen.has(key) && seen.add(key).has(key);
  const chains = Object.keys(CHAINS).length;
  const diagonal = escapeMatrix().filter((_, index) => index % chains === Math.floor(index / chains) % chains);
  return [...diagonal, ...escapeCauses(), ...corpus().filter(({ aim, category }) => aim !== 'escape' && isFirst(category))];
}
