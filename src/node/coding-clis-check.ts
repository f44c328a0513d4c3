// Whether coding agents are kept from what is the node's, as it was found out: one line.
import type { CheckResult, HealthCheck } from '#kernel/health.ts';
import type { Apartness } from '#lib/coding-cli/apart.ts';
import { CODING_CLIS, type CodingClis } from './coding-clis.ts';

export function codingClisCheck(clis: CodingClis): HealthCheck {
  return {
    name: 'coding_agents:user',
    component: 'component',
    required: false,
    run: async () => {
      // To try a program takes longer than a probe waits: until it is known, it is said to be open.
      const found = await Promise.all(CODING_CLIS.map((name) => Promise.race([clis.apartness(name), Promise.resolve(null)])));
      return described(CODING_CLIS.map((name, index) => ({ name, found: found[index] ?? null })));
    },
  };
}

function described(programs: readonly { name: string; found: Apartness | null }[]): CheckResult {
  const observedValue = programs.map(({ name, found }) => `${name}: ${who(found)}`).join('; ');
  const faults = programs.flatMap(({ name, found }) => (found === null || !isFault(found) ? [] : [`${name}: ${found.why}`]));
  return faults.length === 0 ? { status: 'pass', observedValue } : { status: 'warn', observedValue, output: faults.join('. ') };
}

function who(found: Apartness | null): string {
  if (found === null) return 'being found out';
  if (found.apart !== null) return 'a user of its own';
  return found.isInstalled ? 'the user of the node' : 'not installed';
}

/** Something that root's rights would be better without, and that can be mended. */
function isFault(found: Apartness): boolean {
  return found.apart === null ? found.isInstalled && found.isRoot : found.why !== null;
}
