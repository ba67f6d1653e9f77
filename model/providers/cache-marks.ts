import type { Instructions, LanguageModel, ModelMessage, SystemModelMessage, ToolSet } from 'ai';
import type { PromptCache } from '../../config/settings/models.ts';
import { ownValue } from '../../core/own-value.ts';
import { systemMessages } from '../agent/instructions.ts';

/**
 * Providers whose prompt cache is asked for by marks in the request: everything up to a mark is written to the cache, and is
 * read from it by a later request that begins with the same bytes. The others cache by themselves.
 *
 * - Anthropic: `cache_control`, at most 4 in a request. From each mark at most 20 blocks back are searched for what an
 *   earlier request wrote (https://docs.claude.com/en/docs/build-with-claude/prompt-caching).
 * - Bedrock: `cachePoint`, at most 4, for Claude from 3.5 Haiku and 3.7 on and for Nova; Nova takes none in tools
 *   (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html).
 */
export type CacheMarks = 'anthropic' | 'bedrock';

type ProviderOptions = NonNullable<SystemModelMessage['providerOptions']>;

const MARK: Readonly<Record<CacheMarks, ProviderOptions>> = {
  anthropic: { anthropic: { cacheControl: { type: 'ephemeral' } } },
  bedrock: { bedrock: { cachePoint: { type: 'default' } } },
};

/** Models of Claude that came before the cache. A request of theirs with a mark is refused. */
const BEFORE_CACHE = /claude-(v|instant|3-(haiku|sonnet|opus)|3-5-sonnet)/;

/** The marks that a model takes. Undefined: none. */
export function cacheMarksOf(model: LanguageModel, when: PromptCache): CacheMarks | undefined {
  if (when === 'off' || typeof model === 'string') return undefined;
  const { provider, modelId } = model;
  if (!provider.startsWith('amazon-bedrock'))
    return provider.startsWith('anthropic') ? 'anthropic' : undefined;
  // An ARN does not say what is behind it, and a model without a cache refuses a mark.
  const takes = when === 'on' || /\bamazon\.nova-/.test(modelId);
  return takes || (/\banthropic\.claude-/.test(modelId) && !BEFORE_CACHE.test(modelId))
    ? 'bedrock'
    : undefined;
}

/**
 * Marks the ends of what two calls have in common, from the most stable on: the tools, the agent's instructions, the
 * prompt of the call before, and this prompt. A step can add more blocks than are searched, so the one before has a mark of
 * its own.
 */
export function markInstructions(
  instructions: Instructions,
  notes: readonly string[],
  marks: CacheMarks,
): SystemModelMessage[] {
  // Providers refuse an empty text.
  const system = systemMessages(instructions).filter(({ content }) => content.trim() !== '');
  const last = system.at(-1);
  // The agent's own marks stay: with more than four, the last ones would be ignored.
  if (last && !system.some(isMarked)) {
    system[system.length - 1] = { ...last, providerOptions: { ...last.providerOptions, ...MARK[marks] } };
  }
  if (notes.length > 0) system.push({ role: 'system', content: notes.join('\n') });
  return system;
}

export function markMessages(prompt: readonly ModelMessage[], marks: CacheMarks): ModelMessage[] {
  const before = prompt.findLastIndex(({ role }) => role === 'assistant') - 1;
  return prompt.map((message, i) =>
    i === before || i === prompt.length - 1
      ? { ...message, providerOptions: { ...message.providerOptions, ...MARK[marks] } }
      : message,
  );
}

/** Unless the agent's tools have marks of their own: with more than four, the last ones would be ignored. */
export function markTools(tools: ToolSet, marks: CacheMarks): ToolSet {
  const all = Object.entries(tools);
  const last = all.at(-1);
  if (marks === 'bedrock' || !last || all.some(([, tool]) => isMarked(tool))) return tools;
  const [name, tool] = last;
  return {
    ...tools,
    [name]: { ...tool, providerOptions: { ...tool.providerOptions, ...withMark(tool, marks) } },
  };
}

const isMarked = ({ providerOptions = {} }: Pick<SystemModelMessage, 'providerOptions'>): boolean =>
  Object.values(providerOptions).some((options) =>
    ['cacheControl', 'cache_control', 'cachePoint'].some((mark) => mark in options),
  );

const withMark = ({ providerOptions = {} }: ToolSet[string], marks: CacheMarks): ProviderOptions =>
  Object.fromEntries(
    Object.entries(MARK[marks]).map(([name, mark]) => [
      name,
      { ...ownValue(providerOptions, name), ...mark },
    ]),
  );
