// How the tests run: each file in a process of its own; those that start the CLI (transcripts, crash) get it built first and
// more time. `npm run test:soak` sets BURSAR_SOAK, for more rounds of the same tests and for *.soak.test.ts.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const isSoak = process.env.BURSAR_SOAK === '1';
const common = {
  pool: 'forks' as const,
  exclude: isSoak ? [] : ['**/*.soak.test.ts'],
};

export default defineConfig({
  test: {
    // Vitest keeps a core for itself unless told otherwise; most of these tests wait for processes of their own.
    maxWorkers: Math.max(2, availableParallelism()),
    // Concurrent tests of one file are such that start processes: more at once would only slow down the file beside it.
    maxConcurrency: 2,
    projects: [
      {
        test: {
          ...common,
          name: 'fast',
          include: ['test/{unit,properties,migrations,gateways,store,simulation}/**/*.test.ts'],
          testTimeout: isSoak ? 600_000 : 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...common,
          name: 'slow',
          globalSetup: ['test/support/build-once.ts'],
          include: ['test/{transcripts,crash,faults}/**/*.test.ts'],
          testTimeout: isSoak ? 3_600_000 : 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
