// What a run of tests amounts to, counted from vitest's own report.
import type { Reporter, TestModule } from 'vitest/node';

type RunEnd = Parameters<NonNullable<Reporter['onTestRunEnd']>>;

/** The last line of a run. */
export const TEST_COUNT_LINE = /^\d+ passed, \d+ failed, \d+ skipped$/;

/** A reporter that only counts. */
export class TestCount implements Reporter {
  passed = 0;
  failed = 0;
  skipped = 0;

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: RunEnd[1]): void {
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') this.passed += 1;
        else if (state === 'failed') failedHere += 1;
        else this.skipped += 1;
      }
      // A file that could not be loaded, or a hook that threw, has no failed test to show for it.
      this.failed += failedHere === 0 && !module.ok() ? 1 : failedHere;
    }
    this.failed += unhandledErrors.length;
  }

  get executed(): number {
    return this.passed + this.failed;
  }

  get line(): string {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }
}
