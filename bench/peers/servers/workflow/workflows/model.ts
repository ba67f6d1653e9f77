import { createOpenAICompatible } from '@ai-sdk/openai-compatible';

type Model = ReturnType<ReturnType<typeof createOpenAICompatible>>;

/**
 * A model that the workflow hands to its steps as data. Models of `@ai-sdk/openai-compatible` lose the function that makes
 * their address on that way.
 */
export class ScriptedModel implements Model {
  readonly specificationVersion = 'v4';
  readonly provider = 'scripted';
  readonly modelId = 'scripted';
  readonly supportedUrls = {};
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  static [Symbol.for('workflow-serialize')]({ url }: ScriptedModel) {
    return { url };
  }

  static [Symbol.for('workflow-deserialize')]({ url }: { url: string }) {
    return new ScriptedModel(url);
  }

  doGenerate(options: Parameters<Model['doGenerate']>[0]) {
    return this.#model().doGenerate(options);
  }

  doStream(options: Parameters<Model['doStream']>[0]) {
    return this.#model().doStream(options);
  }

  #model(): Model {
    return createOpenAICompatible({ name: 'scripted', baseURL: this.url })('scripted');
  }
}
