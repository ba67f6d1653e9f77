import { expect, vi } from 'vitest';
import { RULES } from '../../conformance/rules/rules.ts';
import { type Result, runRules } from '../../conformance/run.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { TEST_BUNDLES } from '../support/bundles.ts';
import { LONG_WAIT_MS, POLL_MS } from '../support/timeouts.ts';

const TOKENS = { token: 'token-of-ann', otherToken: 'token-of-bob' };

export interface Trial {
  /** Names of rules; those over everything are judged beside them. Default: all. */
  rules?: readonly string[];
  /** Other bundles than the project's. */
  bundles?: string;
  parallel: number;
}

/** Runs the kit against a local cloud of its own with the demo model. */
export async function tryOut({ rules, bundles = TEST_BUNDLES, parallel }: Trial): Promise<Result[]> {
  const cloud = await startLocalCloud({
    settings: {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: `${TOKENS.token}=acme/ann,${TOKENS.otherToken}=acme/bob`,
      // The kit connects as often in seconds as a person does in hours.
      MIDTURN_CONNECTIONS_PER_MINUTE: '0',
      MIDTURN_FRAMES_PER_MINUTE: '0',
    },
    bundles,
    // Every turn is held by an environment while it waits for the model; more of them cost more to start than they gain.
    maxEnvironments: Math.max(4, parallel),
    // Refused tokens are what a rule asks for; what matters shows in the results.
    log: () => {},
  });
  try {
    const results = await runRules({
      target: { url: cloud.url, ...TOKENS, timeoutMs: LONG_WAIT_MS },
      rules: rules ? RULES.filter((rule) => rules.includes(rule.name) || 'judge' in rule) : RULES,
      parallel,
    });
    // What the last frames set off goes on for a moment, and the tables must not close under it.
    await vi.waitFor(() => expect(busy(cloud)).toEqual([]), { timeout: LONG_WAIT_MS, interval: POLL_MS });
    return results;
  } finally {
    await cloud.close();
  }
}

const busy = (cloud: LocalCloud): string[] =>
  cloud.functions
    .list()
    .flatMap(({ name, environments }) =>
      environments.flatMap(({ state }) => (state === 'busy' ? [name] : [])),
    );

export const failures = (results: readonly Result[]) =>
  results.flatMap(({ rule, outcome, reason }) =>
    outcome === 'failed' ? [{ name: rule.name as string, reason }] : [],
  );
