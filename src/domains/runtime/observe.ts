// system:observe runs in the process of the command line, which has the terminal: here it is only asked for.
import { parseDuration } from '#lib/duration.ts';
import { SeedError } from '#lib/error.ts';

/** What the command line offers to operations that run in its own process. */
export interface TerminalPorts {
  local?: { observe?: (options: { everyMs: number }) => Promise<string> };
}

const MIN_MS = 200;
const MAX_MS = 60_000;

export function observe(input: { every: string }, { ports }: { ports: TerminalPorts }): Promise<string> {
  const everyMs = parseDuration(input.every);
  if (everyMs < MIN_MS || everyMs > MAX_MS) {
    throw new SeedError('invalid_input', `${input.every} is not between 200ms and 60s`, {
      details: [{ path: 'every', message: '200ms to 60s' }],
    });
  }
  const run = ports.local?.observe;
  if (run === undefined) throw new SeedError('unavailable', 'system:observe needs the command line', { hint: 'seed system:observe' });
  return run({ everyMs });
}
