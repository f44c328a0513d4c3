// The same random sequences on our supervisor and on Erlang/OTP's own, where that is installed (Debian: erlang-base).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';

import { runCommand } from '#lib/process.ts';

import { toErlang } from './erlang.ts';
import { sequence, timeless, type Sequence } from './sequence.ts';
import { runSubject } from './subject.ts';

export interface Divergence {
  given: Sequence;
  ours: readonly string[];
  otp: readonly string[];
}

const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: tmpdir() };

/** Whether `escript` is there. */
export async function isOtpInstalled(): Promise<boolean> {
  return runCommand('escript', ['-h'], { env: ENV, timeoutMs: 20_000 }).then(
    () => true,
    () => false,
  );
}

export interface Comparison {
  /** Steps whose outcome both have told. */
  compared: number;
  /** What went differently: nothing, if all is well. */
  diverged: readonly Divergence[];
}

/** @throws Error when OTP itself fails. */
export async function compareWithOtp(options: { sequences: number; seed?: number }): Promise<Comparison> {
  const { sequences, seed } = options;
  const given = fc.sample(sequence, { numRuns: sequences, ...(seed === undefined ? {} : { seed }) }).map(timeless);
  const observed = await runOtp(given);
  const diverged: Divergence[] = [];
  let compared = 0;
  for (const [index, one] of given.entries()) {
    const ours = await runSubject(one);
    const otp = observed[index] ?? [];
    compared += Math.max(ours.length, otp.length);
    if (ours.join('\n') !== otp.join('\n')) diverged.push({ given: one, ours, otp });
  }
  return { compared, diverged };
}

async function runOtp(given: readonly Sequence[]): Promise<readonly (readonly string[])[]> {
  const folder = mkdtempSync(join(tmpdir(), 'otp-'));
  try {
    const file = join(folder, 'sequences');
    writeFileSync(file, given.map(toErlang).join('\n'));
    const script = join(import.meta.dirname, 'otp.escript');
    const { code, stdout, stderr } = await runCommand('escript', [script, file], {
      env: ENV,
      timeoutMs: 120_000,
      maxOutputBytes: 1e9,
    });
    if (code !== 0) throw new Error(`OTP failed: ${stderr}`);
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
