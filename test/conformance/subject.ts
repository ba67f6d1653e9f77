import { expect, vi } from 'vitest';
import { RULES } from '../../conformance/rules/rules.ts';
import { type Result, runRules } from '../../conformance/run.ts';
import { type LocalCloud, startLocalCloud } from '../../local/cloud.ts';

const TOKENS = { token: 'token-of-ann', otherToken: 'token-of-bob' };

export interface Trial {
  /** Names of rules; those over everything are judged beside them. Default: all. */
  rules?: readonly string[];
  /** Other bundles than the project's. */
  bundles?: string;
  parallel: number;
}

/** Runs the kit against a local cloud of its own with the demo model. */
export async function tryOut({ rules, bundles, parallel }: Trial): Promise<Result[]> {
  const cloud = await startLocalCloud({
    settings: {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: `${TOKENS.token}=acme/ann,${TOKENS.otherToken}=acme/bob`,
      // The kit connects as often in seconds as a person does in hours.
      MIDTURN_CONNECTIONS_PER_MINUTE: '0',
      MIDTURN_FRAMES_PER_MINUTE: '0',
    },
    build: false,
    ...(bundles !== undefined && { bundles }),
    // Every turn is held by an environment while it waits for the model; more of them cost more to start than they gain.
    maxEnvironments: Math.max(4, parallel),
    // Refused tokens are what a rule asks for; what matters shows in the results.
    log: () => {},
  });
  try {
    const results = await runRules({
      target: { url: cloud.url, ...TOKENS, timeoutMs: 60_000 },
      rules: rules ? RULES.filter((rule) => rules.includes(rule.name) || 'judge' in rule) : RULES,
      parallel,
    });
    // What the last frames set off goes on for a moment, and the tables must not close under it.
    await vi.waitFor(() => expect(busy(cloud)).toEqual([]), { timeout: QUIET_MS, interval: 50 });
    return results;
  } finally {
    await cloud.close();
  }
}

/** Long enough for a turn that was aborted on a busy machine. */
const QUIET_MS = 30_000;

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
