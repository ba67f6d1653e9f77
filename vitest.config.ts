import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{agent,bench,chat,client,examples,infra,lambdas,local,test,web}/**/*.test.ts'],
    exclude: [...configDefaults.exclude, '**/dist/**'],
    globalSetup: ['test/setup.ts'],
    // Each scenario file runs a local cloud, whose functions are processes of their own.
    maxWorkers: 2,
    // A test that passes never waits for these: they cover cold starts on a busy machine.
    testTimeout: 20_000,
    hookTimeout: 30_000,
  },
});
