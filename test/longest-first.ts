// The order in which test files begin. A machine that has never run them knows only their sizes, and a long one that begins last leaves
// the other workers with nothing to do.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those of more than a quarter of a minute, longest first. */
export const LONGEST = [
  'test/crash.e2e.test.ts',
  'test/improvement.e2e.test.ts',
  'test/faults.e2e.test.ts',
  'test/commands.e2e.test.ts',
  'test/containment.e2e.test.ts',
  'test/cheaters.e2e.test.ts',
  'test/crash-rounds.e2e.test.ts',
  'test/degraded.e2e.test.ts',
  'test/hostile.e2e.test.ts',
  'test/feedback.e2e.test.ts',
  'test/clis/coding-cli.clis.test.ts',
  'test/clis/improve.clis.test.ts',
  'src/db/databases/pglite-crash.int.test.ts',
  'src/db/databases/pglite.int.test.ts',
  'src/kernel/sandbox/sandbox-host.int.test.ts',
  'src/kernel/sandbox/evaluation.int.test.ts',
  'src/kernel/sandbox/evaluation-deadlines.int.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return index === -1 ? LONGEST.length : index;
    };
    // Kinds of tests still come one after the other; and the sort is stable.
    const group = ({ project }: TestSpecification): number => project.config.sequence.groupOrder;
    return sorted.toSorted((a, b) => group(a) - group(b) || rank(a) - rank(b));
  }
}
