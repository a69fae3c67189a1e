import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// The `source` condition makes a workspace package resolve to its TypeScript, so tests need no build.
const source = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } };

const results = process.env.OUTRIGGER_RESULTS;

export default defineConfig({
  ...source,
  test: {
    // One for each processor: most of a live test is waiting for a daemon, and vitest would keep one of two back for itself.
    maxWorkers: availableParallelism(),
    // Continuous integration adds up the results of two runs.
    ...(results !== undefined && { reporters: ['default', ['json', { outputFile: results }]] }),
    projects: [
      {
        ...source,
        test: {
          name: 'unit',
          setupFiles: ['tools/leftovers.ts'],
          include: ['packages/*/src/**/*.test.ts', 'tools/**/*.test.ts'],
          exclude: ['**/*.live.test.ts', '**/node_modules/**', '**/dist/**'],
          // Longer than the waits inside tests (5 s), which say what did not come.
          testTimeout: 20_000,
        },
      },
      {
        ...source,
        test: {
          name: 'live',
          setupFiles: ['tools/leftovers.ts'],
          include: ['packages/*/src/**/*.live.test.ts', 'tools/**/*.live.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
