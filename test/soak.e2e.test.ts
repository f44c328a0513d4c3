// A few seconds of the soak: `npm run bench -- soak` does the same for a quarter of an hour, and looks at what grows.
import { expect, test } from 'vitest';
import { runSoak } from '../bench/soak.ts';

test('calls at a fixed rate lose nothing to swaps and to hostile candidates beside them', async () => {
  const { figures, failures, hostile } = await runSoak({
    seconds: 6,
    warmUpSeconds: 3,
    swapEveryMs: 1_000,
    hostileEveryMs: 1_500,
    say: () => undefined,
  });
  expect(failures).toEqual([]);
  expect(figures.swaps).toBeGreaterThan(0);
  expect(hostile.length).toBeGreaterThan(0);
  // One that dies only now and then may stay, each time at the cost of its own call: three deaths within its few calls take it back.
  for (const { kind, end } of hostile) expect(`${kind}: ${end}`).toMatch(/: (?:taken back|held by its limits)$/);
  expect(hostile.filter(({ end }) => end === 'taken back').length).toBeGreaterThan(0);
});
