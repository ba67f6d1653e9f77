import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CASES } from '../../conformance/client/cases/cases.ts';
import { runCases } from '../../conformance/client/run.ts';
import { LONG_TEST_MS, WAIT_MS } from '../support/timeouts.ts';
import { beginTrials, type Trials } from '../support/trials.ts';
import { buildDriver, notPassed } from './client-subject.ts';
import { CLIENT_VARIANTS, type ClientVariant } from './client-variants.ts';

/**
 * How long a broken client is waited for. Longer than a good one takes before it sends a message again (5 s), and the same on each
 * machine: a client that is too slow fails too.
 */
const PATIENCE_MS = 6500;

/** How many clients are tried at a time: they wait for most of it. */
const PLACES = 8;

let folder: string;
let trials: Trials<ClientVariant, void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'broken-clients-'));
  trials = beginTrials(CLIENT_VARIANTS, PLACES, tryOut);
});

afterAll(async () => {
  await trials.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, LONG_TEST_MS);

async function run(command: readonly string[], names: readonly string[], timeoutMs: number) {
  const cases = CASES.filter(({ name }) => names.includes(name));
  expect(cases).toHaveLength(names.length);
  return runCases({ subject: { command, timeoutMs }, cases, parallel: cases.length });
}

async function tryOut({ name, edits, fails, passes }: ClientVariant): Promise<void> {
  const command = await buildDriver(join(folder, `${name}.mjs`), edits);
  expect(notPassed(await run(command, passes, WAIT_MS))).toEqual([]);
  const results = await run(command, fails, PATIENCE_MS);
  expect(results.map(({ outcome }) => outcome)).toEqual(fails.map(() => 'failed'));
  for (const { reason } of results) expect(reason).not.toContain('ready');
}

describe('the kit fails a client', { timeout: LONG_TEST_MS }, () => {
  it.each(CLIENT_VARIANTS)('$name, which breaks: $breaks', (variant) => trials.outcomeOf(variant));
});
