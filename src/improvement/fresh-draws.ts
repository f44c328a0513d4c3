// What decides, and what is quoted: a candidate beside the version before on draws that no proposer has seen.
import { SeedError } from '#lib/error.ts';
import type { BaseVersion } from './base-version.ts';
import type { ChangedFiles, PairedReport } from './events.ts';
import { pairedReport } from './paired-test.ts';
import { randomFrom, seedsFrom } from './random.ts';
import type { ScoreOptions, Workbench } from './workbench.ts';

export interface FreshDrawsOptions {
  workbench: Workbench;
  base: BaseVersion;
  /** Which draws they are follows from it, so that a pipeline that goes on has the same ones. */
  secretSeed: number;
  signal: AbortSignal;
}

export type Compared = { ok: true; report: PairedReport } | { ok: false; reason: string };

export class FreshDraws {
  readonly #options: FreshDrawsOptions;

  constructor(options: FreshDrawsOptions) {
    this.#options = options;
  }

  /**
   * @returns one answer a candidate, and the names of the tasks that the evaluation reports besides
   * @throws SeedError `validation_failed` when the version before can not be scored
   */
  async compare(
    set: ScoreOptions['set'],
    candidates: readonly { files: ChangedFiles }[],
    draws: number,
  ): Promise<{ compared: readonly Compared[]; reported: readonly string[] }> {
    const { workbench, base, secretSeed, signal } = this.#options;
    const seeds = seedsFrom(secretSeed, set, draws);
    const wanted = [{ files: {} }, ...candidates.map(({ files }) => ({ files }))];
    const [before, ...scored] = await workbench.score(base, wanted, { set, feed: 'outside', seeds, signal });
    // What had no time to be scored has not failed: the stage begins again.
    signal.throwIfAborted();
    if (before === undefined || !before.ok) {
      throw new SeedError('validation_failed', `the base version could not be scored: ${before?.reason ?? 'no answer'}`);
    }
    const direction = base.contract.objective?.direction ?? 'maximize';
    const compared = candidates.map((_, index): Compared => {
      const one = scored[index];
      if (one === undefined || !one.ok) return { ok: false, reason: one?.reason ?? 'not scored' };
      const random = randomFrom(secretSeed, `${set}-test-${index}`);
      return { ok: true, report: pairedReport({ base: before.scores, candidate: one.scores }, { direction, random }) };
    });
    return { compared, reported: before.reported };
  }
}
