import type { LanguageModel } from 'ai';

/** What the agent's code is given where it makes its model. */
export interface ModelContext {
  /**
   * Reads a secret that `MIDTURN_AGENT_SECRETS` names. It is read again after five minutes; if it has changed, the model is made
   * again.
   *
   * @throws {SecretError} if the setting does not name it, or it cannot be read
   */
  secret(name: string): Promise<string>;
  /** What follows `agent:` in `MIDTURN_MODEL` (or `MIDTURN_FALLBACK_MODEL`), so that stages may differ. */
  name?: string;
  /** For the provider's `fetch`: each byte of an answer counts as a life sign, also pings and comments. */
  fetch: typeof globalThis.fetch;
}

/** A model as the AI SDK names it, or a function that makes one. */
export type AgentModel = LanguageModel | ((context: ModelContext) => LanguageModel | Promise<LanguageModel>);

/** Versions of the interface that the AI SDK calls. */
const VERSIONS: ReadonlySet<unknown> = new Set(['v2', 'v3', 'v4']);

/** Returns what is wrong with what the agent's code gives for a model. */
export function complaintAboutModel(model: unknown): string | undefined {
  if (typeof model === 'string') return model === '' ? 'its id is empty.' : undefined;
  if (typeof model !== 'object' || model === null) {
    return `it must be a model of an AI SDK provider, such as openai('…'), and is ${model === null ? 'null' : `of type ${typeof model}`}.`;
  }
  const { specificationVersion, provider, modelId, doStream } = model as Partial<Record<string, unknown>>;
  if (specificationVersion !== undefined && !VERSIONS.has(specificationVersion)) {
    return `its specificationVersion is ${JSON.stringify(specificationVersion)}, and the AI SDK takes v2, v3 and v4: install the provider's package that fits.`;
  }
  if (
    specificationVersion === undefined ||
    typeof provider !== 'string' ||
    typeof modelId !== 'string' ||
    typeof doStream !== 'function'
  ) {
    return "it is no language model of an AI SDK provider: call the provider with a model id, as in openai('…').";
  }
  return undefined;
}
