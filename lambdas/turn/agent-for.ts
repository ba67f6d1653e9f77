import { agent } from '../../agent/agent.ts';
import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { readSecret } from '../../aws/secrets-manager/secrets.ts';
import { type ModelAccess, readMcpUrls, readModels } from '../../config/settings/models.ts';
import { readSecretAge } from '../../config/settings/secrets.ts';
import { type Environment, SettingError } from '../../config/settings/setting.ts';
import type { Core } from '../../core/core.ts';
import { renewed } from '../../core/renewed.ts';
import type { SessionAgent, WorkerContext } from '../../core/turn/context.ts';
import { parseMcpTokens } from '../../model/mcp/tokens.ts';
import { createToolSource, type ToolSource } from '../../model/mcp/tool-source.ts';
import { createModel } from '../../model/providers/create-model.ts';
import { fingerprintOf } from '../../model/providers/fingerprint.ts';
import { lazyModel } from '../../model/providers/lazy-model.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';

/** The deployment's agents, composed from `agent/`, the settings and their secrets. */
export interface Agents extends Pick<WorkerContext, 'agentFor'> {
  /** Asks MCP servers for their tools. The turn function starts it beside a turn's first reads and writes. */
  offerTools(): Promise<unknown>;
}

/** Composes the agents of this deployment: today one serves all sessions. */
export function createAgents(env: Environment, core: Core): Agents {
  const tools = createTools(env, core);
  const [access, fallbackAccess] = readModels(env);
  const makeModel = modelMaker(access, env, core, tools);
  // Started with the environment. The first call throws a failure, and later calls try again.
  makeModel().catch(() => {});
  const served: SessionAgent = {
    model: lazyModel(access.choice, makeModel, {
      fingerprint: fingerprintOf(access, agent),
      alternates: access.alternates,
    }),
    ...(fallbackAccess && {
      fallback: lazyModel(fallbackAccess.choice, modelMaker(fallbackAccess, env, core, tools)),
    }),
    toolbox: createToolbox(agent, tools),
  };
  return { agentFor: async () => served, offerTools: () => tools.offered() };
}

function createTools(env: Environment, core: Core): ToolSource {
  const secret = env.MIDTURN_MCP_TOKENS_SECRET;
  const tokens = ofSecret(secret, env.MIDTURN_MCP_TOKENS, (text = '') => parseMcpTokens(text), env, core);
  return createToolSource(agent, {
    urls: readMcpUrls(env),
    async token(server) {
      const token = (await tokens()).get(server);
      if (token === undefined) throw new SettingError(`MIDTURN_MCP_TOKENS holds none of "${server}".`);
      return token;
    },
    warn: (message, fields) => core.log.warn(message, fields),
    failed: (server) => core.metrics.countBy('McpFailures', server),
    now: () => core.clock.now(),
  });
}

function modelMaker(access: ModelAccess, env: Environment, core: Core, tools: ToolSource) {
  const { choice, baseUrl, apiKey, apiKeySecret, streamUsage, maxOutputTokens } = access;
  const make = (key: string | undefined) =>
    createModel(choice, agent, {
      ...(baseUrl && { baseUrl }),
      ...(key && { apiKey: key }),
      streamUsage,
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      tools,
      warn: (message, fields) => core.log.warn(message, fields),
    });
  return ofSecret(apiKeySecret, apiKey, make, env, core);
}

/** What is made of a secret's text, or of the text that stands in the environment if no secret is named. */
function ofSecret<Thing>(
  secret: string | undefined,
  text: string | undefined,
  make: (text: string | undefined) => Thing | Promise<Thing>,
  env: Environment,
  { clock, log }: Core,
): () => Promise<Thing> {
  return renewed({
    read: async () => (secret ? readSecret(secret) : text),
    make,
    freshMs: readSecretAge(env),
    clock,
    keptLast: (error) =>
      log.error('a secret cannot be read again: the last value stays in use', {
        secret,
        ...errorFields(error),
      }),
  });
}
