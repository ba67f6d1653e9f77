import { type Question, receiveQuestion } from '../elicitation.ts';
import { type EventFrame, type EventOf, outputOf, sourceOf } from '../index.ts';
import { filePart, sourcePart, toUIParts } from './content-parts.ts';
import type { Chunk, MidturnDataParts } from './ui-message.ts';

/** What the page shows, beside the answer. */
interface Views {
  /** User messages that stand in the chat by themselves. Others are put into the answer, where they were taken in. */
  isShown(messageId: string): boolean;
  /** Whether the page is to run this call, and has not given its output. */
  isAsked(request: EventOf<'tool_output_request'>): boolean;
}

/** Writes a turn's events, or a part of them, as one assistant message in the chunks of the AI SDK's UI message stream. */
export class AnswerWriter {
  readonly #write: (chunk: Chunk) => void;
  readonly #isShown: Views['isShown'];
  readonly #isAsked: Views['isAsked'];
  readonly #questions = new Map<string, Question>();
  readonly #calls = new Set<string>();
  readonly #asked = new Map<string, MidturnDataParts['approval'] & { toolCallId: string }>();
  /** Calls that were denied: their result says so once more. */
  readonly #denied = new Set<string>();
  /** Calls that the page is asked to run. */
  readonly #forPage = new Set<string>();
  #open: { kind: 'text' | 'reasoning'; id: string } | undefined;
  #inStep = false;

  constructor(write: (chunk: Chunk) => void, { isShown, isAsked }: Views) {
    this.#write = write;
    this.#isShown = isShown;
    this.#isAsked = isAsked;
  }

  /** Whether the turn waits for nothing but what the page gives. */
  get waitsForPage(): boolean {
    return this.#calls.size > 0 && [...this.#calls].every((id) => this.#forPage.has(id));
  }

  add(event: EventFrame): void {
    switch (event.type) {
      case 'turn_start':
        break;
      case 'applied':
        this.#takeIn(event);
        break;
      case 'chunk':
        this.#say('text', event);
        break;
      case 'thinking':
        this.#say('reasoning', event);
        break;
      case 'tool_call':
        this.#call(event.id, event.name, event.args);
        break;
      case 'tool_progress':
        this.#showProgress(event);
        break;
      case 'tool_result':
        this.#answerCall(event);
        break;
      case 'data':
        this.#write({ type: `data-${event.name}`, id: event.id, data: event.data });
        break;
      case 'tool_output_request':
        this.#askPage(event);
        break;
      case 'approval_request':
        this.#ask(event);
        break;
      case 'approval_resolved':
        this.#resolve(event);
        break;
      case 'elicitation_request':
      case 'elicitation_resolved':
        this.#question(event);
        break;
      case 'history_trimmed': {
        const data = { droppedMessages: event.dropped_messages, reason: event.reason };
        this.#write({ type: 'data-trimmed', data });
        break;
      }
      case 'model_changed': {
        const data = {
          model: event.model,
          provider: event.provider,
          from: event.fallback_from,
          reason: event.reason,
        };
        this.#write({ type: 'data-model-changed', data });
        break;
      }
      case 'compacted': {
        this.#write({ type: 'data-compacted', data: { toEntry: event.to_entry } });
        break;
      }
      case 'source':
        this.#put(sourcePart(sourceOf(event)));
        break;
      case 'file': {
        const { media_type: mediaType, bytes, data, omitted } = event;
        this.#put(filePart({ mediaType, bytes, data, omitted }));
        break;
      }
      case 'done': {
        const { input_tokens: inputTokens, output_tokens: outputTokens, model, provider, steps } = event;
        const cached = event.cached === true;
        const finishReason = event.finish_reason;
        const details = {
          cacheReadTokens: event.cache_read_tokens,
          cacheWriteTokens: event.cache_write_tokens,
          reasoningTokens: event.reasoning_tokens,
          cost: event.cost,
          currency: event.currency,
        };
        const usage = { inputTokens, outputTokens, ...details, model, provider, steps, cached, finishReason };
        this.#endStep();
        if (event.output !== undefined) this.#write({ type: 'data-output', data: event.output });
        const messageMetadata = { turnId: event.turn_id, usage };
        this.#write({ type: 'finish', finishReason: sdkReason(finishReason), messageMetadata });
        break;
      }
      case 'aborted':
        this.#endStep();
        this.#write({
          type: 'message-metadata',
          messageMetadata: { turnId: event.turn_id, stopping: false },
        });
        this.#write({ type: 'abort', reason: event.by });
        break;
      case 'error':
        this.fail(event.turn_id, event);
        break;
      default:
        // An event of a newer server shows nothing. Each event that is known has a case above.
        event satisfies never;
    }
  }

  /** The turn ended in an error. What it had said stands. */
  fail(turnId: string, { code, message, retryable, until }: MidturnDataParts['failure']): void {
    this.#endStep();
    this.#write({ type: 'message-metadata', messageMetadata: { turnId } });
    this.#write({ type: 'data-failure', data: { code, message, retryable, until } });
    this.#write({ type: 'error', errorText: message });
  }

  /** The turn goes on in another message, or when the page has given the outputs of its tools. */
  leave(turnId: string): void {
    this.#endStep();
    const finishReason = this.waitsForPage ? 'tool-calls' : 'stop';
    this.#write({ type: 'finish', finishReason, messageMetadata: { turnId } });
  }

  /** Whatever is under way is over: the stream ends here. */
  breakOff(): void {
    this.#endStep();
  }

  #takeIn({ turn_id: turnId, step, messages }: EventOf<'applied'>): void {
    this.#endStep();
    for (const { id, content, from } of messages) {
      if (from === 'system') {
        if (this.#isShown(id)) continue;
        this.#write({
          type: 'data-midturn-system-message',
          id,
          data: { messageId: id, parts: toUIParts(content) },
        });
      } else if (this.#isShown(id)) {
        const data = { status: 'applied', turnId, step, messageId: id } as const;
        this.#write({ type: 'data-message-state', id, data });
      } else {
        this.#write({ type: 'steering-message', id, parts: toUIParts(content) });
      }
    }
  }

  #say(kind: 'text' | 'reasoning', { seq, content }: EventOf<'chunk'> | EventOf<'thinking'>): void {
    this.#beginStep();
    if (this.#open?.kind !== kind) {
      this.#endPart();
      this.#open = { kind, id: `${kind}-${seq}` };
      this.#write({ type: `${kind}-start`, id: this.#open.id });
    }
    this.#write({ type: `${kind}-delta`, id: this.#open.id, delta: content });
  }

  /** `providerExecuted`: it runs at the server. The page is not asked to. */
  #call(toolCallId: string, toolName: string, input: unknown, { providerExecuted = true } = {}): void {
    this.#beginStep();
    this.#endPart();
    this.#calls.add(toolCallId);
    this.#write({ type: 'tool-input-available', toolCallId, toolName, input, providerExecuted });
  }

  /** Twice: as the library's own request, which kits show, and whole. */
  #ask(event: EventOf<'approval_request'>): void {
    const { request_id: requestId, tool_call_id: toolCallId, tool, arguments_summary: summary } = event;
    const data = {
      requestId,
      tool,
      summary,
      ...(event.arguments !== undefined && { arguments: event.arguments }),
      offersAlways: event.always !== false,
      timeoutSeconds: event.timeout_secs,
      askedAt: event.at,
    };
    this.#asked.set(requestId, { ...data, toolCallId });
    this.#write({ type: 'data-approval', id: requestId, data });
    if (this.#calls.has(toolCallId)) {
      this.#write({ type: 'tool-approval-request', approvalId: requestId, toolCallId });
    }
  }

  #resolve({ request_id: requestId, decision, reason }: EventOf<'approval_resolved'>): void {
    const asked = this.#asked.get(requestId);
    if (!asked) return;
    const { toolCallId, ...data } = asked;
    // The same part again: what was asked, and what became of it.
    this.#write({ type: 'data-approval', id: requestId, data: { ...data, decision, reason } });
    if (!this.#calls.has(toolCallId)) return;
    const approved = decision !== 'deny';
    if (!approved) this.#denied.add(toolCallId);
    this.#write({
      type: 'tool-approval-response',
      approvalId: requestId,
      approved,
      ...reasonOf(reason),
      providerExecuted: true,
    });
  }

  /** What was asked, and the same part again with what became of it. The page answers with `answerQuestion`. */
  #question(event: EventOf<'elicitation_request'> | EventOf<'elicitation_resolved'>): void {
    const question = receiveQuestion(this.#questions, event);
    if (question) this.#write({ type: 'data-midturn-elicitation', id: question.requestId, data: question });
  }

  #showProgress(event: EventOf<'tool_progress'>): void {
    const { id: toolCallId, name } = event;
    if (!this.#calls.has(toolCallId)) this.#call(toolCallId, name, null);
    const shown = { output: outputOf(event), providerExecuted: true, preliminary: true };
    this.#write({ type: 'tool-output-available', toolCallId, ...shown });
  }

  /** The same part again, which the page runs from here: `onToolCall`, then `addToolOutput`. */
  #askPage(event: EventOf<'tool_output_request'>): void {
    const { tool_call_id: toolCallId, tool: toolName, arguments: input } = event;
    if (!this.#isAsked(event)) return;
    this.#call(toolCallId, toolName, input, { providerExecuted: false });
    this.#forPage.add(toolCallId);
  }

  #answerCall(event: EventOf<'tool_result'>): void {
    const { id: toolCallId, name, is_error } = event;
    if (!this.#calls.has(toolCallId)) this.#call(toolCallId, name, null);
    this.#calls.delete(toolCallId);
    // Also of what the page ran: the server has its output, and the library is not to send it again.
    const providerExecuted = true;
    if (this.#denied.has(toolCallId)) {
      this.#write({ type: 'tool-output-denied', toolCallId });
    } else if (is_error) {
      this.#write({ type: 'tool-output-error', toolCallId, errorText: event.output, providerExecuted });
    } else {
      this.#write({ type: 'tool-output-available', toolCallId, output: outputOf(event), providerExecuted });
    }
    // A batch is complete before the next model call.
    if (this.#calls.size === 0) this.#endStep();
  }

  /** A part that is whole. */
  #put(part: Chunk): void {
    this.#beginStep();
    this.#endPart();
    this.#write(part);
  }

  #beginStep(): void {
    if (!this.#inStep) this.#write({ type: 'start-step' });
    this.#inStep = true;
  }

  #endStep(): void {
    this.#endPart();
    if (this.#inStep) this.#write({ type: 'finish-step' });
    this.#inStep = false;
  }

  #endPart(): void {
    if (this.#open) this.#write({ type: `${this.#open.kind}-end`, id: this.#open.id });
    this.#open = undefined;
  }
}

/** Why it was decided, if no person said so: kits show it. */
export const reasonOf = (reason: string): { reason?: string } => (reason === 'answer' ? {} : { reason });

/** The AI SDK's word for how an answer ended. */
function sdkReason(reason = 'stop'): 'stop' | 'length' | 'content-filter' | 'other' {
  switch (reason) {
    case 'stop':
    case 'length':
      return reason;
    case 'content_filter':
    case 'refusal':
      return 'content-filter';
    default:
      return 'other';
  }
}
