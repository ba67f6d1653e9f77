import type { SessionInfo, SessionPage, Sessions } from './chat.ts';
import { type Deferred, deferred } from './deferred.ts';
import { ClosedError, ServerReplyError } from './errors.ts';
import { checkId } from './ids.ts';
import type { ClientFrame, FrameOf, ServerFrame } from './protocol.ts';

type Request = Extract<
  ClientFrame,
  {
    type: 'sessions' | 'rename' | 'export' | 'fork' | 'delete' | 'upload' | 'download' | 'elicitation_answer';
  }
>;
type Reply = FrameOf<
  'sessions' | 'renamed' | 'export' | 'forked' | 'deleted' | 'upload' | 'download' | 'elicitation_answer'
>;

/** Requests that a reply answers: about sessions, files and questions. Two equal requests are one. */
export class SessionRequests implements Sessions {
  readonly #open = new Map<string, { frame: Request; done: Deferred<Reply> }>();
  readonly #attend: () => void;
  #closed = false;

  constructor(attend: () => void) {
    this.#attend = attend;
  }

  async list(asked: { after?: string; limit?: number; query?: string } = {}): Promise<SessionPage> {
    const { sessions, next } = await this.ask<FrameOf<'sessions'>>({
      type: 'sessions',
      ...asked,
    });
    return { sessions: sessions.map(infoOf), next };
  }

  async rename(sessionId: string, name: string, how?: { provisional?: true }): Promise<void> {
    await this.ask({ type: 'rename', session_id: sessionId, name, ...how });
  }

  async delete(sessionId: string): Promise<void> {
    await this.ask({ type: 'delete', session_id: sessionId });
  }

  async *export(sessionId: string): AsyncGenerator<string> {
    for (let after: string | undefined; ; ) {
      const page: FrameOf<'export'> = await this.ask({
        type: 'export',
        session_id: sessionId,
        after,
      });
      yield page.data;
      after = page.next;
      if (after === undefined) return;
    }
  }

  /** The requests that are not answered, under their keys. */
  get open(): [string, Request][] {
    return [...this.#open].map(([key, { frame }]) => [key, frame]);
  }

  /** Settles the request that this frame answers, if it answers one. */
  receive(frame: ServerFrame): void {
    // A frame without a key answers none.
    this.#settle(keyOf(frame) ?? '', (done) => done.resolve(frame as Reply));
    if (frame.type !== 'error' || frame.terminal) return;
    const { id, session_id } = frame;
    for (const [open, { frame: asked }] of this.#open) {
      if ('session_id' in asked ? asked.session_id === session_id : 'id' in asked && asked.id === id)
        this.#settle(open, (done) => done.reject(new ServerReplyError(frame)));
    }
  }

  close(): void {
    this.#closed = true;
    for (const key of this.#open.keys()) this.#settle(key, (done) => done.reject(new ClosedError()));
  }

  /** Sends the frame until it is answered. */
  ask<T extends Reply>(frame: Request): Promise<T> {
    if (this.#closed) return Promise.reject(new ClosedError());
    // The server's refusal would not say which request it is about.
    if ('session_id' in frame) checkId('The id of a session', frame.session_id);
    const key = keyOf(frame) ?? '';
    const open = this.#open.get(key) ?? { frame, done: deferred<Reply>() };
    this.#open.set(key, open);
    this.#attend();
    // A reply has the key of its request, so it also has the type that the request expects.
    return open.done.promise as Promise<T>;
  }

  #settle(key: string, how: (done: Deferred<Reply>) => void): void {
    const open = this.#open.get(key);
    this.#open.delete(key);
    if (open) how(open.done);
  }
}

/** The key of a request and of its answer. */
function keyOf(frame: ClientFrame | ServerFrame): string | undefined {
  switch (frame.type) {
    case 'sessions':
      return `list ${frame.after} ${frame.query}`;
    case 'export':
      return `export ${frame.session_id} ${frame.after}`;
    case 'rename':
    case 'renamed':
      return `rename ${frame.session_id} ${frame.name}`;
    case 'fork':
    case 'forked':
    case 'delete':
    case 'deleted':
      return frame.type.slice(0, 4) + frame.session_id;
    default:
      // `upload`, `download`, `elicitation_answer`: the answer has the type of the request. No request has the type of other frames.
      // Of an answer to a question, another action is another request.
      return 'id' in frame ? frame.type + frame.id + (frame as { action?: string }).action : undefined;
  }
}

const infoOf = (summary: FrameOf<'sessions'>['sessions'][number]): SessionInfo => ({
  sessionId: summary.session_id,
  name: summary.name,
  agent: summary.agent,
  createdAt: summary.created_at,
  activeAt: summary.active_at,
  messageCount: summary.message_count,
});
