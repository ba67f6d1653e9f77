import type { UIMessage } from 'ai';
import {
  type Chat,
  type ChatState,
  type EventFrame,
  MidturnError,
  type ToolAnswer,
  type ToolValue,
} from '../index.ts';

/** What a page gives for a tool that it has run. */
export type PageOutput = { toolCallId: string } & ToolAnswer;

/** Of an answer: what the page gave for tools that it runs. */
export function outputsIn({ parts }: UIMessage): PageOutput[] {
  return parts.flatMap((part): PageOutput[] => {
    if (!('toolCallId' in part) || part.providerExecuted) return [];
    const { toolCallId } = part;
    if (part.state === 'output-error') return [{ toolCallId, errorText: part.errorText ?? '' }];
    // Undefined is no JSON.
    return part.state === 'output-available'
      ? [{ toolCallId, output: (part.output ?? null) as ToolValue }]
      : [];
  });
}

interface AskedCall {
  requestId: string;
  turnId: string;
  toolCallId: string;
}

/** The calls that this page is to run and for which it has given nothing, in their order. */
export const askedCalls = ({ items }: Pick<ChatState, 'items'>): AskedCall[] =>
  items.flatMap((item) => {
    if (item.kind !== 'tool' || !item.request || item.request.answer) return [];
    return [{ requestId: item.request.requestId, turnId: item.turnId, toolCallId: item.id }];
  });

/**
 * The events, until an output that was given for one of these calls is refused.
 *
 * @throws {MidturnError} why it was refused
 */
export async function* unlessRefused(
  events: AsyncIterable<EventFrame>,
  { transcript }: Chat,
  calls: readonly AskedCall[],
): AsyncGenerator<EventFrame> {
  let unsubscribe = () => {};
  const refusal = new Promise<never>((_, reject) => {
    const look = () => {
      for (const item of transcript.getSnapshot().items) {
        const { requestId, refused } = (item.kind === 'tool' && item.request) || {};
        if (refused && calls.some((call) => call.requestId === requestId))
          reject(new MidturnError(refused.code, refused.message));
      }
    };
    unsubscribe = transcript.subscribe(look);
  });
  const iterator = events[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), refusal]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    unsubscribe();
    void iterator.return?.();
  }
}
