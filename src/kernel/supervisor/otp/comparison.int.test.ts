// A small cut of the comparison with OTP itself, on machines that have it.
import { expect, test } from 'vitest';

import { compareWithOtp, isOtpInstalled } from './comparison.ts';

test.runIf(await isOtpInstalled())('200 random sequences go as on OTP', async () => {
  const { compared, diverged } = await compareWithOtp({ sequences: 200 });
  expect(diverged).toEqual([]);
  expect(compared).toBeGreaterThan(200);
});
