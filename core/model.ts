import type { ErrorCode, FailureReason } from '../protocol/errors.ts';
import type { Content } from './content.ts';
import type { Json } from './json.ts';

/** A tool call that the model asked for. `id` is the provider's, unique within the turn. */
export interface ToolCall {
  id: string;
  name: string;
  args: Json;
}

export interface ToolOutcome {
  output: Json;
  isError: boolean;
}

/** What the model is shown, in the order of the transcript (P11). Each call has exactly one result (P13). */
export type PromptMessage =
  | { role: 'user'; content: Content }
  | { role: 'assistant'; text: string; calls: ToolCall[] }
  | { role: 'tool'; results: (ToolOutcome & { id: string; name: string })[] };

export interface ModelRequest {
  messages: PromptMessage[];
  /** `none`: the model must answer now (step limit reached); tools stay declared, since the prompt may hold calls. */
  toolChoice: 'auto' | 'none';
}

export interface Usage {
  inputTokens: number;
  outputTokens: number;
}

export interface ModelFailure {
  code: Extract<ErrorCode, 'PROVIDER_ERROR' | 'AUTH_ERROR'>;
  reason: FailureReason;
  /** For a person: no secret, no stack, no provider payload. */
  message: string;
  /** Whether the same call could succeed later. */
  retryable: boolean;
  /** For the log alone. */
  diagnostic: string;
}

export type ModelPart =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  /** `invalid` says why the arguments do not fit the tool's schema: such a call is not run. */
  | ({ type: 'tool_call'; invalid?: string } & ToolCall)
  /** `cached`: no model was asked. */
  | { type: 'finish'; reason: string; usage: Usage; cached?: true }
  | { type: 'failure'; failure: ModelFailure };

/** One configured model, with the agent's instructions and tools already in it. */
export interface Model {
  /** As `done` names them. */
  readonly provider: string;
  readonly name: string;
  /** All that shapes its answers beside the request. Undefined: it may answer the same request otherwise the next time. */
  readonly fingerprint?: Json;
  /**
   * One model call. Must not throw: a failure of any kind, also in mid-stream, is a `failure` part and the last one.
   * A complete call ends with `finish`. After `signal` aborts, the stream ends without either.
   * Does not retry: the turn does, since only it knows what is already visible.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/** The agent's tools, as the turn runs them. */
export interface Toolbox {
  /**
   * Must not throw: a tool that fails gives an outcome with `isError`. `idempotencyKey` is the same whenever the same
   * call is run again. What comes of it after `signal` was aborted for a `message` is its outcome all the same; for any other reason
   * it no longer counts.
   */
  run(call: ToolCall, context: { signal: AbortSignal; idempotencyKey: string }): Promise<ToolOutcome>;
  /** Whether a person has to approve this call before it is run. Must not throw: what cannot tell needs it. */
  needsApproval(call: ToolCall): Promise<boolean>;
  /** Whether a call whose outcome is unknown may be run again. */
  isIdempotent(name: string): boolean;
  /** Whether a message that does not wait (`delivery: now`) may stop a call of it. */
  isAbortable(name: string): boolean;
  /** How long a call of it may take: then it is stopped, and its result says so. */
  timeLimitMs(name: string): number;
}
