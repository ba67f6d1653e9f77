import type { FinishReason, ModelMessage } from 'ai';
import type { ModelFailure, ModelPart, Usage } from '../../core/model.ts';
import { shortened } from '../../protocol/text.ts';
import { toJson } from '../tools/json-safe.ts';
import { describeInvalidCall } from '../tools/tool-input.ts';
import { CUT_OFF, EMPTY, UNREADABLE_CALL, USED_UP, WINDOW_FULL, WITHHELD } from './failure.ts';
import { verbatimParts } from './prompt.ts';

interface SdkToolCall {
  toolCallId: string;
  toolName: string;
  input: unknown;
  invalid?: boolean | undefined;
  error?: unknown;
}

/**
 * The parts of one model call so far. Tool calls are held back until the answer is complete. If it breaks off, none may
 * run: the last call may lack half of its arguments and still be valid JSON.
 */
export class Answer {
  hasText = false;
  hasFile = false;
  /** The SDK's own message of the answer, once it is complete. */
  message: ModelMessage | undefined;
  readonly #calls: Extract<ModelPart, { type: 'tool_call' }>[] = [];
  readonly #mayCall: boolean;

  constructor(mayCall: boolean) {
    this.#mayCall = mayCall;
  }

  get #hasSaid(): boolean {
    return this.hasText || this.hasFile;
  }

  addCall({ toolCallId, toolName, input, invalid, error }: SdkToolCall): void {
    if (!this.#mayCall) return;
    this.#calls.push({
      type: 'tool_call',
      id: toolCallId,
      name: toolName,
      args: toJson(input),
      ...(invalid && { invalid: describeInvalidCall(error, toolName) }),
    });
  }

  /** The stream ended without a reason. A server that answers with nothing at all has not begun. */
  brokenOff(diagnostic: string): ModelPart {
    return failureOf(this.#hasSaid || this.#calls.length > 0 ? CUT_OFF : EMPTY, diagnostic);
  }

  *finish(reason: FinishReason, rawReason: string | undefined, usage: Usage): Generator<ModelPart> {
    // Without a reason the connection was closed early. OpenAI's Responses API names one only for answers that are not whole,
    // and its package says what the end of the others means.
    if (!rawReason && !(reason === 'stop' || reason === 'tool-calls' || reason === 'content-filter')) {
      yield this.brokenOff(`The stream ended without a finish reason from the provider (${reason}).`);
      return;
    }
    const said = `Finish reason ${rawReason ?? reason}`;
    const calls = this.#runnable(reason);
    if (rawReason && UNREADABLE.test(rawReason)) {
      yield failureOf(UNREADABLE_CALL, `${said}.`);
    } else if (this.#hasSaid || calls.length > 0 || rawReason === PAUSED) {
      yield* calls;
      const parts = this.message?.role === 'assistant' ? verbatimParts(this.message.content) : undefined;
      yield { type: 'finish', reason: finishWord(reason, rawReason), usage, ...(parts && { parts }) };
    } else {
      yield failureOf(nothingSaid(reason, rawReason), `${said}, no text, no call.`);
    }
  }

  /**
   * The calls of an answer that ended so. After a filter's intervention none is what the model meant. At the limit of tokens the
   * last one may lack its arguments, and providers' packages read no arguments as an empty object.
   */
  #runnable(reason: FinishReason): Extract<ModelPart, { type: 'tool_call' }>[] {
    if (reason === 'content-filter') return [];
    const last = this.#calls.at(-1);
    if (reason !== 'length' || !last) return this.#calls;
    return [...this.#calls.slice(0, -1), { ...last, invalid: CUT_CALL }];
  }
}

/** Anthropic interrupts an answer of many tools of its own. The next call goes on. */
const PAUSED = 'pause_turn';
/** Of Anthropic and Bedrock. */
const WINDOW_IS_FULL = 'model_context_window_exceeded';
/** Google's `MALFORMED_FUNCTION_CALL`, Bedrock's `malformed_tool_use` and `malformed_model_output`. */
const UNREADABLE = /^malformed_/i;
const CUT_CALL =
  'Not run: your answer reached its limit of tokens before this call was complete. Make the call again, with shorter arguments or alone.';

function nothingSaid(reason: FinishReason, rawReason: string | undefined): Omit<ModelFailure, 'diagnostic'> {
  if (rawReason === WINDOW_IS_FULL) return WINDOW_FULL;
  if (reason === 'length') return USED_UP;
  return reason === 'content-filter' ? WITHHELD : EMPTY;
}

const MAX_REASON_LENGTH = 64;

function finishWord(reason: FinishReason, rawReason: string | undefined): string {
  if (rawReason === PAUSED) return 'paused';
  if (rawReason === WINDOW_IS_FULL) return 'length';
  switch (reason) {
    case 'stop':
    case 'length':
      return reason;
    case 'content-filter':
      // OpenAI's refusals have no word of their own.
      return rawReason === undefined || rawReason === 'refusal' ? 'refusal' : 'content_filter';
    case 'tool-calls':
    // Here it means only a forbidden call, which was dropped.
    case 'error':
      return 'tool_calls';
    default:
      return shortened(rawReason ?? reason, MAX_REASON_LENGTH);
  }
}

/** A failed model call. `diagnostic` is for the log. */
function failureOf(verdict: Omit<ModelFailure, 'diagnostic'>, diagnostic: string): ModelPart {
  const failure: ModelFailure = { ...verdict, diagnostic };
  return { type: 'failure', failure };
}
