import type { AssistantModelMessage, ModelMessage, ToolModelMessage } from 'ai';

/**
 * Puts the calls of a prompt into a form that providers take. The transcript holds them as the model wrote them, and models write
 * names that no tool has (`browser.tabs.open`), and more calls at once than their provider takes back.
 *
 * @param declared the tools of the request: their names are the provider's to judge
 * @param maxCalls calls in one message. More of them become several messages, each with its results.
 */
export function sendableCalls(
  messages: readonly ModelMessage[],
  { declared, maxCalls }: { declared: object; maxCalls?: number },
): ModelMessage[] {
  const nameOf = (name: string) => (Object.hasOwn(declared, name) ? name : sendableName(name));
  const named = messages.map((message) => renamed(message, nameOf));
  return maxCalls === undefined ? named : named.flatMap((_, n) => split(named, n, maxCalls));
}

/**
 * The form that OpenAI, Anthropic and Bedrock have in common. Sources:
 * https://github.com/vercel/ai/pull/17769, https://github.com/openclaw/openclaw/issues/12892,
 * https://github.com/home-assistant/core/issues/140005
 */
const MAX_NAME_LENGTH = 64;
const sendableName = (name: string): string =>
  name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, MAX_NAME_LENGTH) || '_';

function renamed(message: ModelMessage, nameOf: (name: string) => string): ModelMessage {
  if (message.role === 'tool') {
    const content = message.content.map((part) =>
      part.type === 'tool-result' ? { ...part, toolName: nameOf(part.toolName) } : part,
    );
    return { ...message, content };
  }
  if (message.role !== 'assistant' || typeof message.content === 'string') return message;
  const content = message.content.map((part) =>
    isOwnCall(part) ? { ...part, toolName: nameOf(part.toolName) } : part,
  );
  return { ...message, content };
}

type AssistantPart = Exclude<AssistantModelMessage['content'], string>[number];
type Call = Extract<AssistantPart, { type: 'tool-call' }>;

/** A call that is answered here, and not by the provider. */
const isOwnCall = (part: AssistantPart): part is Call => part.type === 'tool-call' && !part.providerExecuted;

/** What message `n` becomes. The results of a split message go with it. */
function split(messages: readonly ModelMessage[], n: number, maxCalls: number): ModelMessage[] {
  const message = messages[n];
  if (!message) return [];
  const next = messages[n + 1];
  const long = withManyCalls(message, maxCalls);
  if (long && next?.role === 'tool') {
    return chunksOf(long.calls, maxCalls).flatMap((calls, k) => [
      { ...long.message, content: k === 0 ? [...long.others, ...calls] : calls },
      { ...next, content: next.content.filter(isResultOf(calls)) },
    ]);
  }
  return message.role === 'tool' && withManyCalls(messages[n - 1], maxCalls) ? [] : [message];
}

function withManyCalls(message: ModelMessage | undefined, maxCalls: number) {
  if (message?.role !== 'assistant' || typeof message.content === 'string') return undefined;
  const calls = message.content.filter(isOwnCall);
  if (calls.length <= maxCalls) return undefined;
  return { message, calls, others: message.content.filter((part) => !isOwnCall(part)) };
}

const chunksOf = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, k) => items.slice(k * size, (k + 1) * size));

const isResultOf =
  (calls: readonly Call[]) =>
  (part: ToolModelMessage['content'][number]): boolean =>
    part.type === 'tool-result' && calls.some(({ toolCallId }) => toolCallId === part.toolCallId);
