import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { CLIENT_FRAMES, type ClientFrameType } from '../../protocol/client-frames.ts';
import type { SessionStart } from '../../protocol/server-frames.ts';
import { Broken, brief } from '../outcome.ts';
import type { Answer, Case, NewEvent, Pattern, Post } from './case.ts';
import type { Changes } from './changes.ts';
import { matches, withIds } from './matching.ts';
import { Messages } from './messages.ts';
import { type StoredEvent, Story } from './story.ts';
import { tokenOf } from './token.ts';

type Frame = Pattern & { type: ClientFrameType };

/** One connection of the client. */
interface Line {
  socket: WebSocket;
  token: string | undefined;
  /** `connected` was sent: it gets events. */
  isLive: boolean;
}

const LANE = 'lane-1';

const LIMITS: SessionStart['limits'] = {
  content_bytes: 24_576,
  options_bytes: 4096,
  inbox_messages: 64,
  inbox_bytes: 131_072,
  session_turns: 8,
  queue_timeout_seconds: 30,
  frame_bytes: 32_768,
};

/**
 * The server of one case. What any server does, it does by itself: it answers `connect`, `ping`, `history`, and a message that it has
 * answered before. The rest is told by the case's steps.
 */
export class Stage {
  /** Why the client breaks the protocol, whatever the case is about. */
  readonly wrong: string[] = [];
  readonly story = new Story();
  /** Handshakes that were not refused. */
  connections = 0;
  readonly #case: Case;
  readonly #changes: Changes;
  readonly #server: WebSocketServer;
  readonly #lines: Line[] = [];
  readonly #messages = new Messages();
  readonly #frames: { frame: Frame; isTaken: boolean }[] = [];
  readonly #refusals: number[] = [];
  #answer: Answer | undefined;
  #held: (() => void) | undefined;
  #lastToken: string | undefined;

  static async open(theCase: Case, changes: Changes): Promise<Stage> {
    const stage = new Stage(theCase, changes);
    await once(stage.#server, 'listening');
    return stage;
  }

  private constructor(theCase: Case, changes: Changes) {
    this.#case = theCase;
    this.#changes = changes;
    this.#server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      handleProtocols: (offered) => ['midturn.v1', 'zeroclaw.v1'].find((one) => offered.has(one)) ?? false,
      verifyClient: (_info, answer) => {
        const status = this.#refusals.shift();
        if (status === undefined) answer(true);
        else answer(false, status);
        this.#changes.happened();
      },
    });
    this.#server.on('connection', (socket, request) => this.#connected(socket, request));
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}/prod`;
  }

  close(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
  }

  /** The client is told to send this: the frame with this content is the message of this name. */
  announce(name: string, content: string): void {
    this.#messages.announce(name, content);
  }

  answerNext(answer: Answer): void {
    this.#answer = answer;
  }

  refuseNext(statuses: readonly number[]): void {
    this.#refusals.push(...statuses);
  }

  /** Sends the answer that was held back. */
  async release(): Promise<void> {
    const held = await this.#changes.until(
      () => this.#held,
      () => 'the client sent no `connect`',
    );
    this.#held = undefined;
    held();
  }

  /** How many frames of this type came that no step has taken, and that were no repeats. */
  untaken(type: ClientFrameType): number {
    return this.#frames.filter(({ frame, isTaken }) => !isTaken && frame.type === type).length;
  }

  async expect(pattern: Pattern): Promise<void> {
    await this.#changes.until(
      () => {
        const wanted = withIds(pattern, this.#messages.ids);
        const found = this.#frames.find(({ frame, isTaken }) => !isTaken && matches(frame, wanted));
        if (found) found.isTaken = true;
        return found;
      },
      () => {
        const last = this.#frames.at(-1);
        const sent = last ? brief(last.frame) : 'nothing';
        return `no frame came as ${brief(withIds(pattern, this.#messages.ids))}; the last one was ${sent}`;
      },
    );
  }

  async expectToken(token: string): Promise<void> {
    await this.#changes.until(
      () => this.#lastToken === token || undefined,
      () => `no connection brought the token ${token}; the last one brought ${this.#lastToken ?? 'none'}`,
    );
  }

  async post(posts: readonly Post[]): Promise<void> {
    const isSent = posts.some((post) => !('unsent' in post));
    const lines = isSent ? await this.#liveLines() : [];
    for (const post of posts) this.#send(lines, post);
  }

  #liveLines(): Promise<Line[]> {
    return this.#changes.until(
      () => {
        const live = this.#lines.filter(({ isLive }) => isLive);
        return live.length > 0 ? live : undefined;
      },
      () => 'the client has no connection',
    );
  }

  /** @param code 1006: without a closing handshake */
  cut(code: number): void {
    for (const line of this.#lines.splice(0)) end(line, code);
  }

  #connected(socket: WebSocket, request: IncomingMessage): void {
    this.connections += 1;
    const line: Line = { socket, token: tokenOf(request), isLive: false };
    this.#lastToken = line.token;
    this.#lines.push(line);
    let isFirst = true;
    socket.on('message', (data, isBinary) => {
      const frame = this.#read(data.toString(), isBinary);
      if (frame) this.#receive(line, frame, isFirst);
      isFirst = false;
      this.#changes.happened();
    });
    socket.on('error', (error) => this.wrong.push(`the WebSocket is broken: ${error.message}`));
    socket.on('close', () => {
      const at = this.#lines.indexOf(line);
      if (at >= 0) this.#lines.splice(at, 1);
      this.#changes.happened();
    });
    this.#changes.happened();
  }

  /** 3.1.1, 3.1.2 and the fields of section 12. */
  #read(text: string, isBinary: boolean): Frame | undefined {
    if (isBinary) this.wrong.push('a binary message was sent (3.1.1)');
    try {
      const value: unknown = JSON.parse(text);
      const type = typeof value === 'object' && value !== null ? Reflect.get(value, 'type') : undefined;
      if (!isClientType(type)) throw new Error(`no frame of a client has the type ${brief(type)}`);
      const { success, error } = CLIENT_FRAMES[type].safeParse(value);
      if (!success) {
        const [issue] = error.issues;
        throw new Error(`${type}.${issue?.path.join('.')}: ${issue?.message}`);
      }
      return value as Frame;
    } catch (error) {
      this.wrong.push(
        `${error instanceof Error ? error.message : error} in the frame ${text.slice(0, 120)} (3.1.1)`,
      );
      return undefined;
    }
  }

  #receive(line: Line, frame: Frame, isFirst: boolean): void {
    const received = { frame, isTaken: false };
    this.#frames.push(received);
    const reply = (value: Pattern): void => line.socket.send(JSON.stringify(value));
    if (frame.type === 'connect') this.#answerConnect(line, frame);
    else if (isFirst) this.wrong.push(`\`${frame.type}\` was sent before \`session_start\` came (7.1.6)`);
    else if (frame.type === 'ping') reply({ type: 'pong', ...('nonce' in frame && { nonce: frame.nonce }) });
    else if (frame.type === 'history') reply(this.#page(frame));
    else if (frame.type === 'message') {
      if (!line.isLive && this.#held)
        this.wrong.push('a message was sent before `session_start` came (7.1.6)');
      const { wrong, again } = this.#messages.received(frame);
      this.wrong.push(...wrong);
      if (!again) return;
      received.isTaken = true;
      reply(again);
    }
  }

  #answerConnect(line: Line, frame: Frame): void {
    const answer = this.#answer ?? {};
    this.#answer = undefined;
    const run = (): void => this.#open(line, frame, answer);
    if (answer.hold) this.#held = run;
    else run();
  }

  #open(line: Line, frame: Frame, answer: Answer): void {
    const { events, activeTurn } = this.story;
    const after = (frame.resume as { after_seq?: number } | undefined)?.after_seq;
    const start = {
      type: 'session_start',
      session_id: 'kit',
      resumed: events.length > 0,
      message_count: this.#case.transcript?.length ?? 0,
      lane: LANE,
      last_seq: events.length,
      steer_scope: 'connection',
      trusted: [],
      revocations: 0,
      ...(activeTurn && { active_turn: activeTurn }),
      limits: LIMITS,
      ...answer.start,
    };
    const send = (value: unknown): void => line.socket.send(JSON.stringify(value));
    send(start);
    if (answer.startTwice) send(start);
    const replay: readonly Post[] =
      answer.replay ?? (after === undefined ? [] : events.slice(after).map(({ seq }) => ({ seq }) as const));
    for (const post of replay.slice(0, answer.cutAfter)) this.#send([line], post);
    if (answer.cutAfter !== undefined) {
      this.cut(1006);
      return;
    }
    send({ type: 'connected', message: 'Listening to session kit.' });
    line.isLive = true;
  }

  #page({ before, limit = 50 }: Frame & { before?: number; limit?: number }): Pattern {
    const all = (this.#case.transcript ?? []).filter(({ n }) => before === undefined || Number(n) < before);
    const entries = all.slice(-limit);
    const next = all.length > entries.length ? entries[0]?.n : undefined;
    return { type: 'history', entries, ...(next !== undefined && { next }) };
  }

  #send(lines: readonly Line[], post: Post): void {
    if ('unsent' in post) {
      this.#store(post.unsent);
      return;
    }
    const text = 'text' in post ? post.text : JSON.stringify(this.#valueOf(post));
    for (const { socket } of lines) socket.send(text);
  }

  #valueOf(post: Exclude<Post, { text: string } | { unsent: unknown }>): Pattern {
    if ('event' in post) return this.#store(post.event);
    if ('seq' in post) {
      const event = this.story.events[post.seq - 1];
      if (!event) throw new Error(`A case posts event ${post.seq}, which did not happen.`);
      return event;
    }
    const reply = withIds(post.reply as Pattern, this.#messages.ids);
    this.#messages.answered(reply);
    return reply;
  }

  #store(event: NewEvent): StoredEvent {
    return this.story.add(withIds(event, this.#messages.ids));
  }

  /** @throws {Broken} when the client broke the protocol so far */
  demandRight(): void {
    const [first] = this.wrong;
    if (first !== undefined) throw new Broken(first);
  }
}

const isClientType = (type: unknown): type is ClientFrameType =>
  typeof type === 'string' && Object.hasOwn(CLIENT_FRAMES, type);

function end({ socket }: Line, code: number): void {
  if (code === 1006) socket.terminate();
  else socket.close(code);
}
