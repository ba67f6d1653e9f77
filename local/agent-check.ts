import { relative } from 'node:path';
import { AUTH_SETTINGS } from '../config/settings/authentication.ts';
import { BUDGET_SETTINGS } from '../config/settings/budgets.ts';
import { FORWARD_TOKEN_SETTINGS } from '../config/settings/forward-token.ts';
import { MODEL_SETTINGS } from '../config/settings/models.ts';
import { read } from '../config/settings/read.ts';
import { SESSION_SETTINGS } from '../config/settings/sessions.ts';
import type { Environment } from '../config/settings/setting.ts';
import { type AgentModule, loadAgent, type NamedModels } from './agent-module.ts';
import { LocalCloudError } from './errors.ts';
import { OWN_AGENT, ROOT } from './places.ts';

export interface AgentToCheck {
  /** How messages call the module. */
  name: string;
  load(): Promise<AgentModule>;
}

const own: AgentToCheck = { name: relative(ROOT, OWN_AGENT), load: () => loadAgent(OWN_AGENT) };

/** The agent of a file, which messages call by its path from here. */
export const agentAt = (path: string): AgentToCheck => ({
  name: relative(process.cwd(), path),
  load: () => loadAgent(path),
});

/**
 * Loads the agent's definition as the turn function will, so that a mistake shows at start and not in the log of the
 * first turn. Other errors of the module may depend on where it runs, and are left to the function.
 * @returns what to tell who starts it
 * @throws {LocalCloudError} with the definition's error, or if the settings ask for a model that it does not name
 */
export async function checkAgent(
  settings: Environment,
  { name, load }: AgentToCheck = own,
): Promise<string | undefined> {
  let agent: AgentModule['agent'];
  try {
    ({ agent } = await load());
  } catch (error) {
    if (error instanceof LocalCloudError) throw error;
    // Compared by name: the module has a copy of the class of its own.
    if (!(error instanceof Error) || error.name !== 'AgentDefinitionError') return undefined;
    throw new LocalCloudError(`${name}: ${error.message}`);
  }
  if (!agent) throw new LocalCloudError(`${name} has no export "agent".`);
  if (!('agents' in agent)) {
    checkOffered(settings, name, undefined);
    return checkOne(settings, name, agent);
  }
  checkOffered(settings, name, [...agent.agents.keys()]);
  const hints = [...agent.agents].map(([which, one]) =>
    checkOne(settings, `${name}, agent "${which}",`, one),
  );
  return hints.find((hint) => hint !== undefined);
}

/** Names of agents that clients are offered and that do not exist would be refused by every turn. */
function checkOffered(settings: Environment, name: string, known: readonly string[] | undefined): void {
  const { agents } = SESSION_SETTINGS;
  const offered = read(settings, agents);
  if (offered === undefined) return;
  if (!known)
    throw new LocalCloudError(`${agents.name} is "${offered}", and ${name} has one agent without a name.`);
  const unknown = offered.split(',').find((one) => !known.includes(one));
  if (unknown !== undefined)
    throw new LocalCloudError(`${agents.name} names "${unknown}", and ${name} has ${known.join(', ')}.`);
}

function checkOne(settings: Environment, name: string, agent: NamedModels): string | undefined {
  const { model, fallbackModel } = MODEL_SETTINGS;
  for (const [setting, named] of [
    [model, agent.model],
    [fallbackModel, agent.fallbackModel],
  ] as const) {
    const chosen = read(settings, setting);
    if (chosen !== undefined && /^agent(:|$)/.test(chosen) && named === undefined) {
      const key = setting === model ? 'model' : 'fallbackModel';
      throw new LocalCloudError(`${setting.name} is "${chosen}", and ${name} has no ${key}.`);
    }
  }
  for (const setting of [BUDGET_SETTINGS.principalDayCost, BUDGET_SETTINGS.tenantDayCost]) {
    if (read(settings, setting) !== undefined && agent.prices === undefined)
      throw new LocalCloudError(`${setting.name} is set, and ${name} has no prices.`);
  }
  const unforwarded = checkForwarding(settings, name, agent);
  return agent.model !== undefined && !read(settings, model)
    ? `${name} names a model, which ${model.name}=agent takes. Without it, the demo model answers.`
    : unforwarded;
}

/** Without kept tokens, each call that needs one would fail. */
function checkForwarding(
  settings: Environment,
  name: string,
  { tools = {}, mcp = {} }: NamedModels,
): string | undefined {
  const { forwardTokenKey } = FORWARD_TOKEN_SETTINGS;
  const [forwards] =
    Object.entries({ ...tools, ...mcp }).find(([, { forwardToken }]) => forwardToken === true) ?? [];
  if (forwards === undefined) return undefined;
  const { auth } = AUTH_SETTINGS;
  if ((read(settings, auth) ?? 'none') === 'none')
    return `${name} gives "${forwards}" the token of users (forwardToken), and with ${auth.name}=none they have none.`;
  if (read(settings, forwardTokenKey) !== undefined) return undefined;
  throw new LocalCloudError(
    `${name} gives "${forwards}" the token of users (forwardToken), and ${forwardTokenKey.name} is not set: no token is kept.`,
  );
}
