/** `npm run test:long`: proofs that take minutes to hours, one after the other. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/long/**/*.test.ts'],
    testTimeout: 4 * 60 * 60_000,
    hookTimeout: 60 * 60_000,
    pool: 'forks',
    maxWorkers: 1,
  },
});
