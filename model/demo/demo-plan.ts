import { type Content, imagesOf, wordsOf } from '../../core/content.ts';
import type { ModelRequest, PromptMessage, ToolCall } from '../../core/model.ts';
import { shortened } from '../../protocol/text.ts';
import { demoReply } from './demo-replies.ts';
import { demoTitle } from './demo-title.ts';
import { inSeconds, MAX_WISHES, type Wish, wishesOf } from './demo-wishes.ts';

/** The result of one call of the demo model. */
export interface DemoStep {
  thinking: string;
  text: string;
  call?: ToolCall;
}

const QUOTE_LENGTH = 80;

/**
 * Decides from the prompt alone. The messages since its last finished answer are the exchange. Each message may ask for
 * tool calls, which are made one per step, so that new messages can be applied at the boundary after each.
 */
export function planStep({ messages, toolChoice }: ModelRequest, tools: readonly string[]): DemoStep {
  const title = demoTitle(messages);
  if (title !== undefined) return { thinking: '', text: title };
  const { prompt, spoken } = splitSpoken(messages);
  const step = planAnew(prompt, toolChoice === 'none' ? [] : tools);
  if (spoken === '') return step;
  // Another worker continues a turn: make the same plan, and continue where the text ends.
  const rest = step.text.startsWith(spoken) ? step.text.slice(spoken.length) : '';
  return { ...step, thinking: '', text: rest === '' && !step.call ? ' That is all.' : rest };
}

/** Splits off the assistant's text at the end of the prompt, if there is one. */
function splitSpoken(messages: readonly PromptMessage[]): { prompt: PromptMessage[]; spoken: string } {
  const end = messages.findLastIndex((message) => !isAnswer(message)) + 1;
  const spoken = messages.slice(end).map((message) => (message.role === 'assistant' ? message.text : ''));
  return { prompt: messages.slice(0, end), spoken: spoken.join('') };
}

function isAnswer(message: PromptMessage): boolean {
  return message.role === 'assistant' && message.calls.length === 0;
}

function planAnew(prompt: readonly PromptMessage[], tools: readonly string[]): DemoStep {
  const exchange = prompt.slice(prompt.findLastIndex(isAnswer) + 1);
  const asked = exchange.flatMap((message) =>
    message.role === 'user' ? [wordsOrImage(message.content)] : [],
  );
  const made = exchange.flatMap((message) => (message.role === 'assistant' ? message.calls : []));
  const wishes = asked.flatMap((content) => wishesOf(content, tools));
  const next = wishes
    .filter(({ tool, problem }) => tools.includes(tool) && problem === undefined)
    .slice(0, MAX_WISHES)[made.length];

  const steering = acknowledge(prompt);
  const body = next
    ? next.announcement
    : [
        ...outcomes(exchange),
        ...refusals(wishes, tools),
        ...blindness(exchange),
        ...asked.flatMap((content) => (wishesOf(content, tools).length > 0 ? [] : [demoReply(content)])),
      ].join('\n\n');
  const answer = body || 'Done.';
  // Markdown needs a heading to begin a line.
  const text =
    steering && answer.startsWith('#') ? `${steering}\n\n${answer}` : `${steering} ${answer}`.trimStart();
  return {
    thinking: exchange.length === asked.length ? `The user asks: ${quote(asked.join(' '))}. Let me see.` : '',
    // The client shows this text directly after the turn's earlier text.
    text: prompt.some((message) => message.role === 'assistant' && message.text !== '')
      ? `\n\n${text}`
      : text,
    ...(next && { call: toCall(next, prompt) }),
  };
}

/** Names the user's messages since the model began to answer: steering, or the next message. */
function acknowledge(prompt: readonly PromptMessage[]): string {
  const before = prompt.findLastIndex((message) => message.role !== 'user');
  const fresh = prompt
    .slice(before + 1)
    .flatMap((message) => (message.role === 'user' ? [wordsOrImage(message.content)] : []));
  if (before < 0 || fresh.length === 0) return '';
  const quotes = fresh.map(quote).join(' and ');
  return prompt[before]?.role === 'tool'
    ? `While I was at it, you added ${quotes}, so I take that in here.`
    : `You then wrote ${quotes}, so on to that.`;
}

function wordsOrImage(content: Content): string {
  return wordsOf(content) || 'an image';
}

function blindness(exchange: readonly PromptMessage[]): string[] {
  const images = exchange.reduce(
    (sum, message) => sum + (message.role === 'user' ? imagesOf(message.content) : 0),
    0,
  );
  if (images === 0) return [];
  return [
    `You attached ${images === 1 ? 'an image' : `${images} images`}: the demo model has no eyes for it.`,
  ];
}

function quote(content: string): string {
  const line = content.trim().replaceAll(/\s+/g, ' ');
  return `“${shortened(line, QUOTE_LENGTH)}”`;
}

function toCall(wish: Wish, prompt: readonly PromptMessage[]): ToolCall {
  const earlier = prompt.reduce(
    (sum, message) => sum + (message.role === 'assistant' ? message.calls.length : 0),
    0,
  );
  return {
    id: `demo_${earlier + 1}`,
    name: wish.tool,
    args: wish.args,
  };
}

/** Describes tools that a message named and that cannot be called. */
function refusals(wishes: readonly Wish[], tools: readonly string[]): string[] {
  const known =
    tools.length > 0 ? `I have ${tools.map((tool) => `\`${tool}\``).join(', ')}.` : 'I have none.';
  return wishes.flatMap(({ tool, byName, problem }) => {
    if (problem !== undefined) return problem;
    return byName && !tools.includes(tool) ? `There is no tool named \`${tool}\`. ${known}` : [];
  });
}

function outcomes(exchange: readonly PromptMessage[]): string[] {
  const results = exchange.flatMap((message) => (message.role === 'tool' ? message.results : []));
  const lines = results.map(({ name, output, isError }) => {
    if (isError) return `The tool \`${name}\` did not work out: ${asText(output)}`;
    if (name === 'wait') return `I waited ${inSeconds(Number(field(output, 'waited_seconds')))}.`;
    if (name === 'current_time') return `It is **${field(output, 'time')}** (${field(output, 'zone')}).`;
    return `The tool \`${name}\` says: ${asText(output)}`;
  });
  return lines.length > 0 ? [lines.join(' ')] : [];
}

function field(output: unknown, name: string): unknown {
  return typeof output === 'object' && output !== null ? Reflect.get(output, name) : undefined;
}

function asText(output: unknown): string {
  return typeof output === 'string' ? output : JSON.stringify(output);
}
