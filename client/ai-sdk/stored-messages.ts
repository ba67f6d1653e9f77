import type { ApprovalItem, ChatState, Item, ToolItem, UserItem } from '../index.ts';
import { reasonOf } from './answer-writer.ts';
import { filePart, sourcePart, toUIParts } from './content-parts.ts';
import { answerId, type MidturnUIMessage } from './ui-message.ts';

type Part = MidturnUIMessage['parts'][number];

/** The conversation as loaded, as UI messages. Messages that are not taken in are left out: they come in the stream. */
export function toUIMessages({ items }: Pick<ChatState, 'items'>): MidturnUIMessage[] {
  const messages: MidturnUIMessage[] = [];
  /** Of user messages that the next answer answers. */
  let states: Part[] = [];
  for (const item of items) {
    const last = messages[messages.length - 1];
    if (item.kind === 'user') {
      if (item.state.status !== 'applied') continue;
      if (last?.role === 'assistant') states = [];
      const role = item.from ?? 'user';
      messages.push({ id: item.id, role, parts: toUIParts(item.content) });
      if (role === 'system') continue;
      states.push({ type: 'data-message-state', id: item.id, data: { ...item.state, messageId: item.id } });
      continue;
    }
    if (item.kind === 'approval' && last?.role === 'assistant') last.parts = last.parts.map(askedBy(item));
    const metadata = metadataOf(item);
    const parts = [...(beginsStep(item, last) ? [STEP] : []), ...partsOf(item)];
    if (last?.role === 'assistant') {
      last.parts.push(...parts);
      if (metadata) last.metadata = metadata;
    } else {
      // Where the user's message stands on an older page, the turn names the answer.
      const id = answerId(last?.id ?? item.turnId);
      messages.push({
        id,
        role: 'assistant',
        parts: [...states, ...parts],
        ...(metadata ? { metadata } : {}),
      });
    }
  }
  return messages;
}

function metadataOf(item: Item): MidturnUIMessage['metadata'] {
  if (item.kind !== 'turn_end') return undefined;
  const { turnId, outcome } = item;
  switch (outcome.result) {
    case 'done':
      return { turnId, usage: outcome.usage };
    case 'aborted':
      return { turnId, stopping: false };
    case 'failed':
      return { turnId };
  }
}

const STEP = { type: 'step-start' } as const;

/** Items that a model call gives. */
const OF_MODEL_CALLS: ReadonlySet<Item['kind']> = new Set(['text', 'thinking', 'tool', 'sources', 'file']);

/**
 * Whether the item is the first of a model call: of an answer, or what is said after tools. Calls that follow one another
 * count as those of one model call.
 */
function beginsStep({ kind }: Item, before: MidturnUIMessage | undefined): boolean {
  if (!OF_MODEL_CALLS.has(kind)) return false;
  const parts = before?.role === 'assistant' ? before.parts : [];
  const last = parts.findLast(({ type }) => !type.startsWith('data-'));
  return last === undefined || (kind !== 'tool' && last.type.startsWith('tool-'));
}

function partsOf(item: Exclude<Item, UserItem>): Part[] {
  switch (item.kind) {
    case 'text':
      return [{ type: 'text', text: item.content, state: 'done' }];
    case 'thinking':
      return [{ type: 'reasoning', text: item.content, state: 'done' }];
    case 'tool':
      return [toolPart(item)];
    case 'approval': {
      const { requestId, tool, summary, offersAlways, timeoutSeconds, askedAt, decision, resolved } = item;
      const whole = item.arguments === undefined ? {} : { arguments: item.arguments };
      const asked = { requestId, tool, summary, ...whole, offersAlways, timeoutSeconds, askedAt };
      const data = resolved && decision ? { ...asked, decision, reason: resolved.reason } : asked;
      return [{ type: 'data-approval', id: requestId, data }];
    }
    case 'trimmed':
      return [{ type: 'data-trimmed', data: { droppedMessages: item.droppedMessages, reason: item.reason } }];
    case 'model_changed': {
      const { model, provider, from, reason } = item;
      return [{ type: 'data-model-changed', data: { model, provider, from, reason } }];
    }
    case 'compacted':
      return [{ type: 'data-compacted', data: { toEntry: item.toEntry } }];
    case 'sources':
      return item.sources.map(sourcePart);
    case 'file':
      return [filePart(item)];
    case 'data':
      // Its name and its value are the application's.
      return [{ type: `data-${item.name}`, id: item.id, data: item.data } as Part];
    case 'turn_end': {
      if (item.outcome.result === 'done' && item.outcome.output !== undefined)
        return [{ type: 'data-output', data: item.outcome.output }];
      if (item.outcome.result !== 'failed') return [];
      const { code, message, retryable, until } = item.outcome;
      return [{ type: 'data-failure', data: { code, message, retryable, until } }];
    }
  }
}

/** The call's part with the request, as the library tells it. */
function askedBy({ toolCallId, requestId: id, decision, resolved }: ApprovalItem): (part: Part) => Part {
  return (part) => {
    if (!('toolCallId' in part) || part.type === 'dynamic-tool' || part.toolCallId !== toolCallId)
      return part;
    const { type, input, state, providerExecuted } = part;
    const call = { type, toolCallId, input, providerExecuted: providerExecuted === true } as const;
    if (!resolved || !decision) return { ...call, state: 'approval-requested', approval: { id } };
    const reason = reasonOf(resolved.reason);
    const isOver = state !== 'input-available';
    if (decision === 'deny') {
      const approval = { id, approved: false, ...reason } as const;
      return { ...call, state: isOver ? 'output-denied' : 'approval-responded', approval };
    }
    const approval = { id, approved: true, ...reason } as const;
    if (part.state === 'output-available' || part.state === 'output-error') return { ...part, approval };
    // It was approved, and now the page is to run it.
    if (!call.providerExecuted) return part;
    return { ...call, state: 'approval-responded', approval };
  };
}

function toolPart({ id: toolCallId, name, args: input, progress, result, request }: ToolItem): Part {
  const call = { type: `tool-${name}` as const, toolCallId, input, providerExecuted: request === undefined };
  if (progress !== undefined)
    return { ...call, state: 'output-available', output: progress, preliminary: true };
  if (!result) return { ...call, state: 'input-available' };
  const { output, isError } = result;
  if (!isError) return { ...call, state: 'output-available', output };
  const errorText = typeof output === 'string' ? output : JSON.stringify(output);
  return { ...call, state: 'output-error', errorText };
}
