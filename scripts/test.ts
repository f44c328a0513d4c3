// npm test [-- <vitest's own arguments>]: runs the tests once, and ends with the plain line `N passed, N failed, N skipped`.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCLI, startVitest } from 'vitest/node';
import { TestCount } from './test-count.ts';

/** A test that leaves something open must not keep the result waiting. */
const CLOSE_MS = 30_000;

const count = new TestCount();
try {
  const { filter, options } = parseCLI(['vitest', 'run', ...process.argv.slice(2)]);
  const reporters = [options.reporters ?? 'default'].flat();
  const vitest = await startVitest([...filter], { ...options, watch: false, passWithNoTests: true, reporters: [...reporters, count] });
  await Promise.race([vitest.close(), sleep(CLOSE_MS)]);
} catch (error) {
  // The runner itself: a wrong argument, a broken configuration.
  console.error(error);
  count.failed += 1;
}
if (count.executed === 0) console.error('no test was executed');
console.log(count.line);
process.exit(count.failed > 0 || count.executed === 0 ? 1 : 0);
