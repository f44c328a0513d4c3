// The benchmark `crash` with one kill of each kind: the full one kills twenty.
import { expect, test } from 'vitest';
import { killAll } from '../bench/crash.ts';

test('kill -9 of each kind of process under load: nothing acknowledged is lost or doubled, nobody else fails, nothing is left behind', async () => {
  const { figures, failures } = await killAll({ rounds: 1, say: () => undefined });
  expect(failures).toEqual([]);
  expect(figures).toEqual({ kills: 5, lost: 0, doubled: 0, collateral: 0, orphans: 0, zombies: 0 });
});
