import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { APART } from './test/support/apart.ts';
import { measureTimeFactor } from './test/support/machine.ts';

/**
 * Which tests run where. `npm test` runs the projects `fast` and `apart`; `npm run test:all` runs all five. A file belongs to `fast`
 * unless a list below names it, with the reason. docs/contributing/tests.md explains how to choose.
 */

/** Only in `full`: these show what others cannot, and take their time for it. */
const FULL_ONLY = [
  // Start a browser for each file; they are skipped where there is none.
  'test/browser/**/*.test.ts',
  'examples/**/*.test.ts',
  // Runs the conformance kit against eighteen broken servers, each bundled for it.
  'test/conformance/broken-variants.test.ts',
  // Waits for what broken clients do not do.
  'test/conformance/broken-clients.test.ts',
  // Starts Python for each case of the kit.
  'test/conformance/python-client.test.ts',
  // Withholds each permission of each role, one after the other.
  'test/policies/**/*.test.ts',
  // Runs the CDK's command line a dozen times.
  'test/emulator/**/*.test.ts',
  // Runs both linters over a copy of the project, which `npm run check` does as well.
  'test/structure/**/*.test.ts',
  // Runs each kind of turn with each of the five wire formats of providers; `model/providers` tests the formats in `fast`.
  'test/providers/turn.test.ts',
  'test/providers/thinking.test.ts',
  'test/providers/web-search.test.ts',
  'test/providers/thoughts-elsewhere.test.ts',
  // Runs each kind of a provider's failure with each of the five wire formats, and waits for the pauses that they ask for.
  'test/providers/failures.test.ts',
  // Asks each wire format for what providers refuse.
  'test/providers/refused.test.ts',
  // Meter what a rate of attacks costs, or flood a stack with fifty sessions.
  'test/security/amplification.test.ts',
  'test/security/fairness.test.ts',
  // Reads a running turn of thousands of events again, at the pace of the limits on posts.
  'test/scenarios/long-replay.test.ts',
  // Waits as long as DynamoDB and API Gateway hold a request.
  'test/scenarios/aws-limits.test.ts',
  // Runs histories until everything that the metrics count has happened.
  'test/simulation/metrics.test.ts',
  // Starts a stack for each form in which a model can be named.
  'test/providers/bedrock-models.test.ts',
  // Measures the memory of an environment over thousands of turns.
  'bench/load/growth.test.ts',
  // Packs the packages and installs them elsewhere.
  'test/packages/**/*.test.ts',
];

/**
 * Only in a full run too. These go at the pace of a clock, with a client that does not connect again or with many at a time: the product
 * itself closes a connection that is three seconds late. They mostly wait, so they run first, beside processes of a low priority alone.
 */
const PACED = [
  // Kills functions and cuts connections under a load, for most of a minute.
  'test/chaos/**/*.test.ts',
  // Runs every rule of the kit at the pace of the demo model.
  'test/conformance/midturn.test.ts',
  // Answers for 40 s under a time limit of 10 s, the shortest that there is.
  'test/scenarios/hand-over.test.ts',
  // Plays the demo's whole conversation at the pace of a person.
  'local/demo/demo.test.ts',
  // Asks a deployment as an operator does, at the pace of the demo model.
  'test/doctor/**/*.test.ts',
];

/** Random cases: a tenth of them in `fast`, all of them in `full` (test/support/sample.ts). */
const SAMPLED = ['client/hostile.test.ts', 'test/contract/**/*.test.ts'];

/** The same, in processes of low priority beside the paced files of a full run: what these leave of two cores. */
const SIMULATION = 'test/simulation/simulation.test.ts';

/** Likewise, and only in a full run: every mutant of the product must be caught by the simulation. */
const MUTANTS = 'test/simulation/caught-mutants.test.ts';

const ALL = [
  '{agent,aws,bench,chat,cli,client,config,core,examples,infra,lambdas,local,model,protocol,test,web}/**/*.test.ts',
];
const NEVER = [...configDefaults.exclude, '**/dist/**'];
/** In a run of all projects, the others run these files with all of their cases. */
const isWholeRun = !process.argv.some((argument) => argument.startsWith('--project'));
const ELSEWHERE = isWholeRun ? [...SAMPLED, SIMULATION] : [];

const factor = measureTimeFactor();
// Before the import: the module reads it when it is loaded.
process.env.MIDTURN_TEST_TIME_FACTOR = String(factor);
const { TEST_MS, WAIT_MS, POLL_MS } = await import('./test/support/timeouts.ts');

/** The long files first: a short one at the end keeps no other worker waiting. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return ['simulation', 'paced', 'full', 'apart', 'fast'].flatMap((name) =>
      sorted.filter(({ project }) => project.name === name),
    );
  }
}

/** Two files of the simulation, and two that mostly wait. */
const FIRST = { maxWorkers: isWholeRun ? 4 : 2, sequence: { groupOrder: 0 } };
/** Each scenario file runs a local cloud, whose functions are threads of their own, and waits now and then. */
const SECOND = { maxWorkers: isWholeRun ? 3 : 2, sequence: { groupOrder: 1 } };

const shared = {
  // Of suites that run beside one another, each with a stack of its own: one works while another one waits.
  maxConcurrency: 2,
  testTimeout: TEST_MS,
  hookTimeout: TEST_MS,
  expect: { poll: { timeout: WAIT_MS, interval: POLL_MS } },
  setupFiles: ['test/support/each-file.ts'],
  isolate: false,
  env: {
    MIDTURN_TEST_TIME_FACTOR: String(factor),
    // Of this run alone, so that its end can tell what tests left behind (test/setup.ts).
    TMPDIR: join(tmpdir(), `midturn-tests-${process.pid}`),
  },
};

export default defineConfig({
  test: {
    globalSetup: ['test/setup.ts'],
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
    env: shared.env,
    projects: [
      {
        test: {
          ...shared,
          ...SECOND,
          name: 'fast',
          env: { ...shared.env, MIDTURN_TEST_SAMPLE: 'tenth' },
          include: ALL,
          exclude: [...NEVER, ...FULL_ONLY, ...PACED, ...ELSEWHERE, MUTANTS, ...APART],
        },
      },
      {
        test: {
          ...shared,
          ...SECOND,
          name: 'apart',
          env: { ...shared.env, MIDTURN_TEST_SAMPLE: 'tenth' },
          include: APART,
          exclude: NEVER,
          isolate: true,
        },
      },
      {
        test: {
          ...shared,
          ...SECOND,
          name: 'full',
          include: [...FULL_ONLY, ...SAMPLED],
          exclude: NEVER,
        },
      },
      {
        test: {
          ...shared,
          ...FIRST,
          name: 'simulation',
          include: [SIMULATION, MUTANTS],
          exclude: NEVER,
        },
      },
      {
        test: {
          ...shared,
          ...FIRST,
          name: 'paced',
          include: PACED,
          exclude: NEVER,
        },
      },
    ],
  },
});
