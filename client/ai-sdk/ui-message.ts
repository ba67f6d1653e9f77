import type { FileUIPart, InferUIMessageChunk, TextUIPart, UIDataTypes, UIMessage, UITools } from 'ai';
import type { Question } from '../elicitation.ts';
import type { MessageState, MidturnError, Usage } from '../index.ts';

/** On assistant messages, from the end of their turn on, or from the moment when it is being stopped. */
export interface MidturnMetadata {
  turnId: string;
  usage?: Usage;
  /** Whether the turn was asked to stop and has not ended yet: it can wait for a tool. */
  stopping?: boolean;
}

/** Data parts of assistant messages. As with all data parts, `data-` stands before the name in `part.type`. */
// A type, since an interface has no index signature, which the library asks for.
export type MidturnDataParts = {
  /**
   * What has become of the user message that this one answers. While it waits (`accepted`, `queued`), it comes to `onData`
   * alone; what it ends in stays in the message.
   */
  'message-state': MessageState & { messageId: string };
  /** A tool waits for a person, which its own part says too: what that part cannot say. */
  approval: {
    requestId: string;
    tool: string;
    /** The arguments for a narrow screen: their beginning, and how much is left out. */
    summary: string;
    /** The whole arguments: what is approved. Absent from servers of earlier versions. */
    arguments?: unknown;
    /** Whether `always` may be answered. */
    offersAlways: boolean;
    timeoutSeconds: number;
    /** In milliseconds since the epoch, by the clock of the server. */
    askedAt?: number | undefined;
    /** Once it is resolved: what was decided, and why (`answer`, `always`, `timeout`, `aborted`). */
    decision?: 'approve' | 'deny' | 'always';
    reason?: string;
  };
  /**
   * A message of the application and of no person, which came while this answer was shown. In a conversation that is loaded, it is a
   * message of the role `system`.
   */
  'midturn-system-message': { messageId: string; parts: (TextUIPart | FileUIPart)[] };
  /** An MCP server asks the user something, or what became of that: `resolved`. The page answers with `answerQuestion`. It is shown while its turn runs. */
  'midturn-elicitation': Question;
  /** Older messages were left out of the prompt from here on. */
  trimmed: { droppedMessages: number; reason: string };
  /** From here on, the model is shown a summary in the place of the entries up to this one. */
  compacted: { toEntry: number };
  /** The model failed, and another one goes on with the turn. `from` is `provider:model`. */
  'model-changed': { model: string; provider: string; from: string; reason: string };
  /** A file that the model made, and that the server did not keep: `reason` is `too_large`. Others are file parts. */
  'omitted-file': { mediaType: string; bytes: number; reason: string };
  /** The value of an answer that has a form of its own, checked by the server. Its text is beside it. */
  output: unknown;
  /**
   * The turn ended in an error; what it had said stands. `until`: with `BUDGET_EXCEEDED`, when the next budget begins, in
   * milliseconds since the epoch.
   */
  failure: {
    code: MidturnError['code'];
    message: string;
    retryable: boolean;
    until?: number | undefined;
  };
};

/**
 * `TOOLS` are the agent's, for typed tool parts: `InferUITools<typeof tools>`. `DATA` are the values that its tools send with
 * `context.emit`, by their names.
 *
 * @example useChat<MidturnUIMessage<UITools, { chart: { rows: [string, number][] } }>>({ transport })
 */
export type MidturnUIMessage<
  TOOLS extends UITools = UITools,
  DATA extends UIDataTypes = Record<never, never>,
> = UIMessage<MidturnMetadata, MidturnDataParts & DATA, TOOLS>;

/** A value that a tool sends, under a name of the application. */
interface DataChunk {
  type: `data-${string}`;
  id: string;
  data: unknown;
}

export type Chunk = InferUIMessageChunk<MidturnUIMessage> | DataChunk;

/** The assistant message that answers this user message: the same id live and after a reload. */
export const answerId = (messageId: string): string => `answer-${messageId}`;
