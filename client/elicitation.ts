import { misfitOf } from '../protocol/question-fields.ts';
import type { Chat } from './chat.ts';
import { ServerReplyError } from './errors.ts';
import { patient } from './patient.ts';
import type { EventOf } from './protocol.ts';

/** A value that a question asks for. */
export interface QuestionField {
  /** Of the value, in `content`. */
  name: string;
  /** `choice`: the `value` of one of the options; `choices`: a list of them. */
  type: 'string' | 'number' | 'integer' | 'boolean' | 'choice' | 'choices';
  title?: string | undefined;
  description?: string | undefined;
  required?: true | undefined;
  format?: 'email' | 'uri' | 'date' | 'date-time' | undefined;
  /** The least number, length in characters, or count of choices. */
  min?: number | undefined;
  max?: number | undefined;
  options?: readonly { value: string; title?: string | undefined }[] | undefined;
  /** To begin with. */
  default?: string | number | boolean | readonly string[] | undefined;
}

/** What an MCP server asks the user before it goes on with a call. Its texts are the server's: show them as text, never as markup. */
export interface Question {
  requestId: string;
  toolCallId: string;
  tool: string;
  /** Who asks. Show it: the user decides whether to trust it. */
  server: string;
  message: string;
  /** What is asked for, in order. An empty list asks for consent alone. */
  fields: readonly QuestionField[];
  /**
   * An address that the user is asked to visit, in the place of fields. Show it whole, and open it only when the user says so, in a window
   * that this page has no hold of (`noopener`).
   */
  url?: string | undefined;
  timeoutSeconds: number;
  /** In milliseconds since the epoch, by the clock of the server. Undefined: the server is too old to tell. */
  askedAt?: number | undefined;
  /** What became of it. Absent: it waits for an answer. */
  resolved?: { action: Answer['action']; reason: 'answer' | 'timeout' | 'aborted' } | undefined;
}

/** `decline`: the user refuses. `cancel`: the user makes no choice. Then nothing of the form is sent. */
export interface Answer {
  action: 'accept' | 'decline' | 'cancel';
  /** With `accept` of a form: the values, by the names of the fields. */
  content?: Readonly<Record<string, unknown>>;
}

type QuestionEvent = EventOf<'elicitation_request'> | EventOf<'elicitation_resolved'>;

/** The first value that does not fit what was asked for, by the rules of the server. Undefined: the answer fits. */
export const misfitIn = (
  { fields }: Pick<Question, 'fields'>,
  content: Readonly<Record<string, unknown>>,
): { field: string; complaint: string } | undefined => misfitOf(fields, content);

/** Puts a question, or what became of one, among those that are known. @returns it; undefined: it is not known */
export function receiveQuestion(known: Map<string, Question>, event: QuestionEvent): Question | undefined {
  const before = known.get(event.request_id);
  const question =
    event.type === 'elicitation_request'
      ? asked(event)
      : before && { ...before, resolved: { action: event.action, reason: event.reason } };
  if (question) known.set(question.requestId, question);
  return question;
}

const asked = (event: EventOf<'elicitation_request'>): Question => ({
  requestId: event.request_id,
  toolCallId: event.tool_call_id,
  tool: event.tool,
  server: event.server,
  message: event.message,
  fields: event.fields ?? [],
  ...(event.url !== undefined && { url: event.url }),
  timeoutSeconds: event.timeout_secs,
  askedAt: event.at,
});

const NONE: readonly Question[] = [];

/**
 * The questions of the running turn, in their order, resolved ones too. Make it once for a chat. It has them from the first `subscribe` on,
 * also those that were asked before.
 *
 * @example
 * const questions = questionsOf(chat);
 * questions.subscribe(() => show(questions.getSnapshot().filter(({ resolved }) => !resolved)));
 */
export function questionsOf(chat: Pick<Chat, 'transcript' | 'turn'>) {
  const listeners = new Set<() => void>();
  let stop = () => {};
  let followed: string | undefined;
  /** Counts what is followed: a turn that is followed anew is another one. */
  let round = 0;
  let questions = NONE;

  function show(next: readonly Question[]): void {
    if (next === questions) return;
    questions = next;
    for (const listener of listeners) listener();
  }

  async function follow(turnId: string, mine: number): Promise<void> {
    const known = new Map<string, Question>();
    for await (const event of chat.turn(turnId) ?? []) {
      if (round !== mine) return;
      if (event.type === 'elicitation_request' || event.type === 'elicitation_resolved') {
        receiveQuestion(known, event);
        show([...known.values()]);
      }
    }
  }

  function look(): void {
    const turnId = chat.transcript.getSnapshot().activeTurn?.turnId;
    if (turnId === followed) return;
    followed = turnId;
    round += 1;
    show(NONE);
    // How the turn ends is told by the transcript.
    if (turnId !== undefined) follow(turnId, round).catch(() => {});
  }

  return {
    subscribe(listener: () => void): () => void {
      listeners.add(listener);
      if (listeners.size === 1) {
        stop = chat.transcript.subscribe(look);
        look();
      }
      return () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        stop();
        followed = undefined;
        round += 1;
        questions = NONE;
      };
    },
    /** The same list until something changes. */
    getSnapshot: (): readonly Question[] => questions,
  };
}

/**
 * Answers a question. It is sent until the server has it, also over a lost connection. The first answer of all devices counts.
 *
 * @returns false: the question was resolved otherwise, or another answer was faster, or this one was taken and its confirmation lost with a
 *   connection. `resolved` of the question says which
 * @throws {ServerReplyError} `ELICITATION_CONTENT_INVALID`: a value does not fit, and the message names its field; `MESSAGE_TOO_LARGE`
 * @throws {ClosedError} when the chat is closed
 * @example await answerQuestion(chat, question.requestId, { action: 'accept', content: { seats: 2 } });
 */
export async function answerQuestion(
  chat: Pick<Chat, 'request'>,
  requestId: string,
  { action, content }: Answer,
): Promise<boolean> {
  // JSON leaves out what is undefined.
  const given = action === 'accept' ? (content as Record<string, never> | undefined) : undefined;
  const frame = { type: 'elicitation_answer', id: requestId, action, content: given } as const;
  try {
    await patient(() => chat.request(frame));
    return true;
  } catch (error) {
    if (error instanceof ServerReplyError && error.code === 'INVALID_ELICITATION_ANSWER') return false;
    throw error;
  }
}
