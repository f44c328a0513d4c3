// Random trees under random kills: our supervisor does what the model of OTP's rules does, step by step.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { runModel } from './model.ts';
import { sequence } from './sequence.ts';
import { runSubject } from './subject.ts';

test('1000 sequences', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(sequence, async (given) => {
      expect(await runSubject(given)).toEqual(runModel(given));
    }),
    { numRuns: 1000 },
  );
});
