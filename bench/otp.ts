// Random supervision trees and random faults on our supervisor and on Erlang/OTP's own, compared step by step.
import { compareWithOtp, isOtpInstalled } from '#kernel/supervisor/otp/comparison.ts';
import type { Benchmark } from './benchmark.ts';

/** As many at a time as one start of Erlang is given. */
const BATCH = 100;

export const otp: Benchmark = async ({ quick, say }) => {
  if (!(await isOtpInstalled())) throw new Error('Erlang is not installed (Debian: apt install erlang-base): nothing can be compared');
  const batches = quick ? 1 : 12;
  let steps = 0;
  let divergences = 0;
  for (let batch = 1; batch <= batches; batch += 1) {
    const { compared, diverged } = await compareWithOtp({ sequences: BATCH });
    steps += compared;
    divergences += diverged.length;
    for (const { given, ours, otp: theirs } of diverged.slice(0, 3))
      say(`diverged: ${JSON.stringify(given)}\n  ours ${ours.join(' ')}\n  OTP  ${theirs.join(' ')}`);
    say(`${batch * BATCH} sequences, ${steps} steps, ${divergences} divergences`);
  }
  return {
    rows: [
      { name: 'sequences', values: { n: batches * BATCH } },
      { name: 'steps that were compared', values: { n: steps } },
      { name: 'divergences', values: { n: divergences } },
    ],
    figures: { sequences: batches * BATCH, steps, divergences },
  };
};
