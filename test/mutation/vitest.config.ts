import { configDefaults, defineConfig } from 'vitest/config';
import { APART } from '../support/apart.ts';
import { TEST_MS } from '../support/timeouts.ts';

/**
 * For the stages of unit tests: no bundles are built before them, since each fault has a run of its own. Tests that need a cloud
 * are those of the last stage, with the project's configuration.
 */
const NEEDS_BUNDLES = [
  'bench/**',
  'cli/**',
  'examples/**',
  'infra/{construct,outside-messages,props-page,secrets}.test.ts',
  'local/{cloud,main,own-bundles,agent-check,bundle-sizes,build,page-build}.test.ts',
  'local/demo/**',
  'agent/guide.test.ts',
  'chat/chat.test.ts',
  'client/ai-sdk/{attached,budget,client-tools,fork,stop,transport}.test.ts',
  'client/packaging/**',
  // Searches random cases for longer than all other tests of its folder.
  'client/hostile.test.ts',
  'test/{browser,chaos,conformance,contributing,docs,doctor,emulator,mutation,operations,policies,providers}/**',
  'test/{scenarios,security,simulation,structure,take-over}/**',
];

const NEVER = [...configDefaults.exclude, '**/dist/**', ...NEEDS_BUNDLES];

const shared = {
  testTimeout: TEST_MS,
  hookTimeout: TEST_MS,
  setupFiles: ['test/support/each-file.ts'],
  env: { MIDTURN_TEST_SAMPLE: 'tenth' },
};

export default defineConfig({
  test: {
    maxWorkers: 1,
    bail: 1,
    projects: [
      {
        test: {
          ...shared,
          name: 'shared',
          include: ['{agent,aws,chat,client,config,core,local,model,protocol,test}/**/*.test.ts'],
          exclude: [...NEVER, ...APART],
          isolate: false,
        },
      },
      { test: { ...shared, name: 'apart', include: APART, exclude: NEVER } },
    ],
  },
});
