import { MODEL_SETTINGS } from '../config/settings/models.ts';
import { read } from '../config/settings/read.ts';
import type { Environment } from '../config/settings/setting.ts';
import { LocalCloudError } from './errors.ts';

interface AgentModule {
  agent: { model?: unknown; fallbackModel?: unknown };
}

/**
 * Loads the agent's definition as the turn function will, so that a mistake shows at start and not in the log of the
 * first turn. Other errors of the module may depend on where it runs, and are left to the function.
 * @returns what to tell who starts it
 * @throws {LocalCloudError} with the definition's error, or if the settings ask for a model that it does not name
 */
export async function checkAgent(
  settings: Environment,
  load: () => Promise<AgentModule> = () => import('../agent/agent.ts'),
): Promise<string | undefined> {
  let agent: AgentModule['agent'];
  try {
    ({ agent } = await load());
  } catch (error) {
    // Compared by name: the module may use another copy of the class.
    if (!(error instanceof Error) || error.name !== 'AgentDefinitionError') return undefined;
    throw new LocalCloudError(`agent/agent.ts: ${error.message}`);
  }
  const { model, fallbackModel } = MODEL_SETTINGS;
  for (const [setting, named] of [
    [model, agent.model],
    [fallbackModel, agent.fallbackModel],
  ] as const) {
    const chosen = read(settings, setting);
    if (chosen !== undefined && /^agent(:|$)/.test(chosen) && named === undefined) {
      const key = setting === model ? 'model' : 'fallbackModel';
      throw new LocalCloudError(`${setting.name} is "${chosen}", and agent/agent.ts has no ${key}.`);
    }
  }
  return agent.model !== undefined && !read(settings, model)
    ? `agent/agent.ts names a model, which ${model.name}=agent takes. Without it, the demo model answers.`
    : undefined;
}
