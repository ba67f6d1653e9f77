import type { LanguageModel } from 'ai';
import type { PromptCache } from '../../config/settings/models.ts';
import { cacheMarksOf } from './cache-marks.ts';
import type { ShownFiles } from './prompt.ts';
import type { SdkModelOptions } from './sdk-model.ts';

/** What a provider takes in a request. */
export type Peculiarities = Pick<
  SdkModelOptions,
  'forbidToolsBy' | 'callIds' | 'maxCalls' | 'images' | 'files' | 'providerOptions' | 'cacheMarks'
>;

/** An address of no host that exists. */
const AN_IMAGE = 'https://images.invalid/image.png';

/** Anthropic, Bedrock and OpenAI refuse ids of other forms. Others have forms of their own, and some require them back unchanged. */
const PLAIN_IDS = /^(amazon-bedrock|openai|azure)(\.|$)|\banthropic\b/;

/** OpenAI's chat completions take back fewer calls in a message than models write: https://github.com/pydantic/pydantic-ai/issues/1105 */
const CHAT_COMPLETIONS = /\.chat$/;
const MAX_CALLS = 128;

/** OpenAI's Responses API, and what passes requests on to it. */
const RESPONSES = /\.responses$|^gateway$/;

/** The peculiarities of a model, by its package's name for the provider: `openai.responses`, `amazon-bedrock`. */
export async function peculiaritiesOf(
  model: LanguageModel,
  promptCache: PromptCache = 'auto',
): Promise<Peculiarities> {
  const { provider } = identityOf(model);
  const cacheMarks = cacheMarksOf(model, promptCache);
  return {
    // Bedrock's API has no "no tools" setting, and its package would drop all calls and results from the prompt.
    forbidToolsBy: provider.startsWith('amazon-bedrock') ? 'instruction' : 'choice',
    callIds: PLAIN_IDS.test(provider) ? 'plain' : 'any',
    ...(CHAT_COMPLETIONS.test(provider) && { maxCalls: MAX_CALLS }),
    images: (await takesUrls(model)) ? 'all' : 'inline',
    files: filesOf(provider),
    ...(cacheMarks && { cacheMarks }),
    // The transcript is here. What OpenAI stores is gone after 30 days, and in organizations without data retention at once.
    ...(RESPONSES.test(provider) && { providerOptions: { openai: { store: false } } }),
  };
}

const PDF = /^(image\/|application\/pdf$)/;
/** The wire of OpenAI's chat completions. */
const CHAT = /\.(chat|completion)$/;
/** The types that the SDK's package for a provider passes on. Its API may still refuse one, or a model behind it. */
const TAKEN: readonly (readonly [provider: RegExp, types: RegExp])[] = [
  [/\banthropic\b|^amazon-bedrock|\.responses$/, PDF],
  [CHAT, /^(image\/|application\/pdf$|audio\/(wav|mpeg)$)/],
];

function filesOf(provider: string): ShownFiles {
  return {
    types: TAKEN.find(([pattern]) => pattern.test(provider))?.[1] ?? /^/,
    // Bedrock refuses names with other characters than some: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
    named: !provider.startsWith('amazon-bedrock'),
    // The packages would give it as text: base64, at four thousand tokens for a small picture.
    inResults: !CHAT.test(provider),
  };
}

/** What events and `done` show. A text is the id of a model at Vercel's AI Gateway, as in the AI SDK. */
export const identityOf = (model: LanguageModel): { provider: string; name: string } =>
  typeof model === 'string'
    ? { provider: 'gateway', name: model }
    : { provider: model.provider, name: model.modelId };

/** What an image is here: its exact type is known to who serves it. */
const UNTYPED: ReadonlySet<string> = new Set(['*', '*/*', 'image/*']);

/** Whether the provider fetches any image by its URL. Nobody here does: it could reach addresses inside the account. */
async function takesUrls(model: LanguageModel): Promise<boolean> {
  if (typeof model === 'string') return true;
  // Google's packages refuse a URL without the exact type, whatever they say.
  if (model.provider.startsWith('google')) return false;
  const supported = Object.entries(await model.supportedUrls);
  return supported.some(
    ([type, patterns]) => UNTYPED.has(type) && patterns.some((pattern) => pattern.test(AN_IMAGE)),
  );
}
