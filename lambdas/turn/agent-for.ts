import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { readSecret } from '../../aws/secrets-manager/secrets.ts';
import { readBudgets } from '../../config/settings/budgets.ts';
import {
  AGENT_SETTINGS,
  type ModelAccess,
  type ModelChoice,
  readAgentSecrets,
  readMcpUrls,
  readModels,
} from '../../config/settings/models.ts';
import { readSecretAge } from '../../config/settings/secrets.ts';
import { type Environment, SettingError } from '../../config/settings/setting.ts';
import type { Core } from '../../core/core.ts';
import { memoized } from '../../core/memoized.ts';
import type { Model } from '../../core/model.ts';
import { renewed } from '../../core/renewed.ts';
import { SecretError } from '../../core/secret-error.ts';
import type { SessionAgent, Subagent } from '../../core/turn/context.ts';
import type { AgentDefinition } from '../../model/agent/agent-definition.ts';
import { asSubagent } from '../../model/agent/agent-tool.ts';
import { budgetingOf } from '../../model/agent/budget.ts';
import { callPreparationOf } from '../../model/agent/call-preparation.ts';
import { CallbackQueue } from '../../model/agent/callbacks.ts';
import { compactionAgent } from '../../model/agent/compaction.ts';
import { hooksOf } from '../../model/agent/hooks.ts';
import { loopControlOf } from '../../model/agent/loop-control.ts';
import { observerOf } from '../../model/agent/observer.ts';
import { priceOf } from '../../model/agent/prices.ts';
import { titleAgent } from '../../model/agent/titles.ts';
import type { WriterOptions } from '../../model/agent/writer.ts';
import { parseMcpTokens } from '../../model/mcp/tokens.ts';
import { createToolSource, ownTools, type ToolSource } from '../../model/mcp/tool-source.ts';
import { createAgentModel, type NamedModel } from '../../model/providers/agent-model.ts';
import { createModel } from '../../model/providers/create-model.ts';
import { fingerprintOf } from '../../model/providers/fingerprint.ts';
import { lazyModel } from '../../model/providers/lazy-model.ts';
import { madeOfSecrets } from '../../model/providers/made-of-secrets.ts';
import { providerFetch } from '../../model/providers/provider-fetch.ts';
import { subagentOf } from '../../model/tools/subagent.ts';
import { createToolbox } from '../../model/tools/toolbox.ts';

/** One agent, composed of its code, the settings and their secrets. */
export interface ComposedAgent {
  serve(): Promise<SessionAgent>;
  /** Asks MCP servers for their tools. */
  offerTools(): Promise<unknown>;
}

/** What models are made of. */
interface Parts {
  env: Environment;
  core: Core;
  /** Which the model is given. */
  agent: AgentDefinition;
  /** Among several. */
  agentName: string | undefined;
  tools: ToolSource;
  callbacks: CallbackQueue;
  /** Reads a secret by the agent's name for it. */
  secret(name: string): Promise<string>;
}

/** @param name among several agents */
export function composeAgent(
  agent: AgentDefinition,
  env: Environment,
  core: Core,
  name?: string,
): ComposedAgent {
  const tools = createTools(agent, env, core);
  const callbacks = new CallbackQueue(agent, core);
  const parts = { env, core, agent, agentName: name, tools, callbacks, secret: agentSecrets(env, core) };
  const [access, fallbackAccess] = readModels(env);
  const model = served(access, 'model', parts);
  const fallback = fallbackAccess && served(fallbackAccess, 'fallbackModel', parts);
  const compactor = writerOf(access, parts, compactionAgent(agent), agent.compaction);
  const titler = writerOf(access, parts, titleAgent(agent), agent.titles);
  const toolbox = createToolbox(agent, tools);
  const control = loopControlOf(agent);
  const observer = observerOf(agent, callbacks);
  const preparation = callPreparationOf(agent);
  const budgeting = budgetingOf(agent, readBudgets(env));
  const hooks = hooksOf(agent);
  const subagents = subagentsOf(agent, env, core);
  const decides = {
    ...(subagents.size > 0 && { subagents }),
    ...(hooks && { hooks }),
    ...(budgeting && { budgeting }),
    ...(control && { control }),
    ...(observer && { observer }),
    ...(preparation && { preparation }),
  };
  return {
    async serve(): Promise<SessionAgent> {
      const [first, other] = await Promise.all([model(), fallback?.()]);
      return {
        ...(name !== undefined && { name }),
        model: first,
        ...(other && { fallback: other }),
        ...(compactor && { compactor }),
        ...(titler && { titler }),
        toolbox,
        ...decides,
      };
    },
    offerTools: () => tools.offered(),
  };
}

/** The agents that its tools ask. Each is composed when it is asked first: a cold start waits for none. */
function subagentsOf(agent: AgentDefinition, env: Environment, core: Core): Map<string, Subagent> {
  return new Map(
    Object.entries(agent.tools).flatMap(([name, { tool, subagent }]) => {
      if (!subagent) return [];
      const composed = memoized(async () => composeAgent(asSubagent(subagent.agent, agent), env, core));
      const serve = async () => (await composed()).serve();
      return [[name, subagentOf({ tool, prompt: subagent.prompt }, serve)]];
    }),
  );
}

const preparesSteps = ({ prepareStep }: AgentDefinition) => prepareStep !== undefined;

/** The model that serves sessions, under the name that their events show. */
function served(access: ModelAccess, which: NamedModel, parts: Parts): () => Promise<Model> {
  const { choice } = access;
  return choice.provider === 'agent'
    ? servedByCode(access, choice, which, parts)
    : servedBySettings(access, choice, parts);
}

/**
 * The model that writes summaries, or titles. One that the code names for this answers wherever `MIDTURN_MODEL` points. It is made
 * where a text is wanted: no turn waits for it.
 */
function writerOf(
  access: ModelAccess,
  parts: Parts,
  writing: ReturnType<typeof compactionAgent>,
  options: WriterOptions | undefined,
): (() => Promise<Model>) | undefined {
  if (!writing) return undefined;
  const own = {
    ...parts,
    agent: writing,
    tools: ownTools(writing),
    // The agent's callbacks are told of turns.
    callbacks: new CallbackQueue({}, parts.core),
  };
  const isNamed = options?.model !== undefined;
  let serving: (() => Promise<Model>) | undefined;
  return () => {
    serving ??= isNamed
      ? servedByCode(access, { provider: 'agent' }, 'model', own)
      : served(access, 'model', own);
    return serving();
  };
}

type AgentChoice = Extract<ModelChoice, { provider: 'agent' }>;

function servedBySettings(
  access: ModelAccess,
  choice: Exclude<ModelChoice, AgentChoice>,
  { env, core, agent, agentName, tools, callbacks }: Parts,
): () => Promise<Model> {
  const { baseUrl, apiKey, apiKeySecret, streamUsage, promptCache, maxOutputTokens, alternates } = access;
  const make = ofSecret(
    apiKeySecret,
    apiKey,
    (key) =>
      createModel(choice, agent, {
        ...(baseUrl && { baseUrl }),
        ...(key && { apiKey: key }),
        streamUsage,
        promptCache,
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        tools,
        callbacks,
        warn: (message, fields) => core.log.warn(message, fields),
      }),
    env,
    core,
  );
  // Started with the environment. The first call throws a failure, and later calls try again.
  make().catch(() => {});
  const identity = {
    provider: choice.provider,
    name: choice.provider === 'demo' ? 'demo' : choice.modelId,
  };
  const price = priceOf(agent.prices, identity);
  const model = fingerprintOf({ ...identity, ...(baseUrl && { address: baseUrl }) }, agent, agentName).then(
    (fingerprint) =>
      lazyModel(identity, make, { fingerprint, alternates, price, prepares: preparesSteps(agent) }),
  );
  return () => model;
}

/** What it is called is known when it is made. A model that cannot be made fails its call. */
function servedByCode(
  { promptCache, maxOutputTokens, alternates }: ModelAccess,
  { name }: AgentChoice,
  which: NamedModel,
  { env, core, agent, agentName, tools, callbacks, secret: read }: Parts,
): () => Promise<Model> {
  const secrets = keysIn(env);
  const make = madeOfSecrets(
    async (secretName) => {
      const text = await read(secretName);
      secrets.add(text);
      return text;
    },
    (secret) =>
      createAgentModel(
        which,
        agent,
        { secret, fetch: providerFetch(globalThis.fetch), ...(name !== undefined && { name }) },
        {
          tools,
          callbacks,
          secrets,
          promptCache,
          ...(maxOutputTokens !== undefined && { maxOutputTokens }),
          warn: (message, fields) => core.log.warn(message, fields),
        },
      ),
    (error) =>
      core.log.error(
        'the model cannot be made of the new secrets: the last one stays in use',
        errorFields(error),
      ),
  );
  const identified = async () => {
    const made = await make().catch(() => undefined);
    const identity = { provider: made?.provider ?? 'agent', name: made?.name ?? which };
    const fingerprint = await fingerprintOf({ ...identity, address: name ?? null }, agent, agentName);
    const price = priceOf(agent.prices, identity);
    return lazyModel(identity, make, { fingerprint, alternates, price, prepares: preparesSteps(agent) });
  };
  // Started with the environment.
  identified();
  return identified;
}

/** Keys that the agent's code may take from the environment, as the SDK's packages do. */
function keysIn(env: Environment): Set<string> {
  const keys = Object.entries(env).flatMap(([name, value]) =>
    value && value.length >= 8 && /(_KEY|_TOKEN|_SECRET)$/.test(name) ? [value] : [],
  );
  return new Set(keys);
}

/** Reads the secrets that the agent's code may read, each as often as any other. */
function agentSecrets(env: Environment, core: Core): (name: string) => Promise<string> {
  const readers = new Map(
    [...readAgentSecrets(env)].map(([name, id]) => [
      name,
      ofSecret(id, undefined, (text = '') => text, env, core),
    ]),
  );
  return async (name) => {
    const read = readers.get(name);
    if (!read) throw new SecretError(`${AGENT_SETTINGS.agentSecrets.name} does not name the secret ${name}.`);
    return read();
  };
}

function createTools(agent: AgentDefinition, env: Environment, core: Core): ToolSource {
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
