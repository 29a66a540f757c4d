import { defineConfig } from 'vitest/config';

/** What starts threads and processes, or plants bugs in whole runtimes. */
const wholes = ['bench', 'docs', 'examples', 'journey', 'package', 'sim', 'torture'].map(
  (room) => `test/${room}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    pool: 'forks',
    // Two cores are the least that anybody has; no test depends on how busy they are.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        // One process for many files: loading the same modules for each would take longer than most of them run.
        test: {
          name: 'rooms',
          include: ['test/**/*.test.ts'],
          exclude: wholes,
          isolate: false,
          restoreMocks: true,
        },
      },
      { extends: true, test: { name: 'wholes', include: wholes } },
    ],
  },
});
