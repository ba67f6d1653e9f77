import { configDefaults, defineConfig } from 'vitest/config';

const SIMULATION = 'test/simulation/simulation.test.ts';

const shared = {
  // A test that passes never waits for these: they cover cold starts on a busy machine.
  testTimeout: 20_000,
  hookTimeout: 30_000,
} as const;

export default defineConfig({
  test: {
    globalSetup: ['test/setup.ts'],
    // Each scenario file runs a local cloud, whose functions are threads of their own.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'tests',
          include: [
            '{agent,aws,bench,chat,client,config,core,examples,infra,lambdas,local,model,protocol,test,web}/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, '**/dist/**', SIMULATION],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Afterwards, alone: it keeps two cores busy by itself, and what needs the machine to be quick must not wait for it.
        test: {
          ...shared,
          name: 'simulation',
          include: [SIMULATION],
          maxConcurrency: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
