// Kinds of tests by the end of their names: pure; with a database or child processes; the whole program; and, where `npm run test:clis`
// has installed them, the real programs of coding agents.
import { defineConfig } from 'vitest/config';

const beside = ['src', 'agents', 'scripts', 'bench', 'tools'];

export default defineConfig({
  test: {
    pool: 'forks',
    // As the product's own processes: V8's optimiser aborts now and then in a long-lived process full of WebAssembly.
    execArgv: ['--liftoff-only'],
    // A failure leaves processes behind if its file is ended from outside: give teardown the time to end them.
    teardownTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [...beside.map((folder) => `${folder}/**/*.test.ts`), 'test/**/*.test.ts'],
          exclude: ['**/*.int.test.ts', '**/*.e2e.test.ts', '**/*.clis.test.ts', '**/node_modules/**'],
          // Pure: they leave nothing behind, and a process for each file takes longer than the tests themselves.
          isolate: false,
          testTimeout: 10_000,
          hookTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'int',
          include: [...beside.map((folder) => `${folder}/**/*.int.test.ts`), 'test/**/*.int.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      ...((process.env['SEED_CLIS'] ?? '') === ''
        ? []
        : [
            {
              extends: true as const,
              test: {
                name: 'clis',
                include: ['test/clis/*.clis.test.ts'],
                globalSetup: ['test/clis/reachable-programs.ts'],
                testTimeout: 120_000,
                hookTimeout: 120_000,
                maxWorkers: 2,
                sequence: { groupOrder: 3 },
              },
            },
          ]),
    ],
  },
});
