import type { Item } from '../index.ts';
import { toUIMessages } from './stored-messages.ts';
import { answerId, type Chunk, type MidturnDataParts, type MidturnUIMessage } from './ui-message.ts';

type Part = MidturnUIMessage['parts'][number];

/** Why it was refused, for the page (`code`) and the user. */
export type Refusal = Pick<MidturnDataParts['failure'], 'code' | 'message' | 'retryable'>;

/**
 * Refuses to make an answer again. The library has removed the answer before it asks, with everything below it. The
 * stream puts all of it back, as one message, and then fails.
 *
 * @param after the last message that is still shown
 */
export function restored(
  items: readonly Item[],
  after: string | undefined,
  refusal: Refusal,
): ReadableStream<Chunk> {
  const all = toUIMessages({ items });
  const removed = all.slice(all.findIndex(({ id }) => id === after) + 1);
  const first = removed[0];
  const messageId = first?.role === 'assistant' ? first.id : answerId(after ?? '');
  const metadata = removed[removed.length - 1]?.metadata;
  return new ReadableStream<Chunk>({
    start(controller) {
      controller.enqueue({ type: 'start', messageId });
      for (const chunk of removed.flatMap(chunksOf)) controller.enqueue(chunk);
      if (metadata) controller.enqueue({ type: 'message-metadata', messageMetadata: metadata });
      controller.enqueue({ type: 'data-failure', data: refusal, transient: true });
      controller.enqueue({ type: 'error', errorText: refusal.message });
      controller.close();
    },
  });
}

/** A user's message among them stands in the answer, as one of another device does. */
function chunksOf({ id, role, parts }: MidturnUIMessage): Chunk[] {
  if (role === 'assistant') return parts.flatMap(partChunks);
  const said = parts.flatMap((part) => (part.type === 'text' || part.type === 'file' ? part : []));
  if (role === 'system')
    return [{ type: 'data-midturn-system-message', id, data: { messageId: id, parts: said } }];
  return [{ type: 'steering-message', id, parts: said }];
}

function partChunks(part: Part, at: number): Chunk[] {
  if ('toolCallId' in part) return toolChunks(part);
  switch (part.type) {
    case 'text':
    case 'reasoning': {
      const id = `${part.type}-${at}`;
      return [
        { type: `${part.type}-start`, id },
        { type: `${part.type}-delta`, id, delta: part.text },
        { type: `${part.type}-end`, id },
      ];
    }
    case 'step-start':
      return [{ type: 'start-step' }];
    case 'source-url':
    case 'source-document':
    case 'file':
    case 'steering-message':
      return [part as Chunk];
    default:
      return part.type.startsWith('data-') ? [part as Chunk] : [];
  }
}

function toolChunks(part: Extract<Part, { toolCallId: string }>): Chunk[] {
  const { toolCallId, input, approval } = part;
  const call = { toolCallId, providerExecuted: true };
  const toolName = part.type.slice('tool-'.length);
  const chunks: Chunk[] = [{ type: 'tool-input-available', ...call, toolName, input }];
  if (approval) chunks.push({ type: 'tool-approval-request', toolCallId, approvalId: approval.id });
  if (approval && 'approved' in approval && approval.approved !== undefined) {
    const { id: approvalId, approved, reason } = approval;
    const why = reason === undefined ? {} : { reason };
    chunks.push({ type: 'tool-approval-response', approvalId, approved, ...why, providerExecuted: true });
  }
  if (part.state === 'output-available') {
    chunks.push({ type: 'tool-output-available', ...call, output: part.output });
  } else if (part.state === 'output-error') {
    chunks.push({ type: 'tool-output-error', ...call, errorText: part.errorText });
  } else if (part.state === 'output-denied') {
    chunks.push({ type: 'tool-output-denied', toolCallId });
  }
  return chunks;
}
