import { expect, vi } from 'vitest';
import type { Result } from '../../conformance/result.ts';
import { RULES } from '../../conformance/rules/rules.ts';
import { runRules } from '../../conformance/run.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';
import { TEST_BUNDLES } from '../support/bundles.ts';
import { LONG_WAIT_MS, POLL_MS } from '../support/timeouts.ts';

const TOKENS = { token: 'token-of-ann', otherToken: 'token-of-bob' };

export interface Trial {
  /** Names of rules to run, beside those that judge every connection. Default: all. */
  rules?: readonly string[];
  /** A folder of bundles, in place of the project's. */
  bundles?: string;
  parallel: number;
}

/** Runs the kit against a new local cloud with the demo model. */
export async function tryOut({ rules, bundles = TEST_BUNDLES, parallel }: Trial): Promise<Result[]> {
  const cloud = await startLocalCloud({
    settings: {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: `${TOKENS.token}=acme/ann,${TOKENS.otherToken}=acme/bob`,
      // The kit connects in seconds as often as a user does in hours.
      MIDTURN_CONNECTIONS_PER_MINUTE: '0',
      MIDTURN_FRAMES_PER_MINUTE: '0',
    },
    bundles,
    // A turn occupies an environment while it waits for the model. Starting more of them costs more time than it saves.
    maxEnvironments: Math.max(4, parallel),
    // Some rules send refused tokens on purpose. The results show what matters.
    log: () => {},
  });
  try {
    const results = await runRules({
      target: { url: cloud.url, ...TOKENS, timeoutMs: LONG_WAIT_MS },
      rules: rules ? RULES.filter((rule) => rules.includes(rule.name) || 'judge' in rule) : RULES,
      parallel,
    });
    // Functions that the last frames started still run for a moment and need the tables.
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
