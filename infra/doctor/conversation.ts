import { randomUUID } from 'node:crypto';
import type { FailureReason } from '../../protocol/errors.ts';
import type { EventFrame, ServerFrame } from '../../protocol/server-frames.ts';
import {
  HandshakeRefused,
  openWaitingClient,
  parseFrame,
  WaitFailed,
  type WaitingClient,
} from '../../protocol/waiting-client.ts';
import { type Advice, type Check, demand, Fault, NotChecked } from './check.ts';

/** The checks of a conversation: what a client of the deployment sees. */

export interface Target {
  /** `wss://…/{stage}` */
  url: string;
  token: string | undefined;
  /** How long to wait for a frame, in milliseconds. */
  timeoutMs: number;
}

type Client = WaitingClient<ServerFrame>;
type Frame<T extends ServerFrame['type']> = Extract<ServerFrame, { type: T }>;
type TurnError = Extract<Frame<'error'>, { terminal: true }>;
type Refusal = Exclude<Frame<'error'>, TurnError>;
type End = Frame<'done'> | Frame<'aborted'> | TurnError;

const ASK = 'Tell me about the sea, in five sentences.';
const STEER = 'And about lighthouses too, please.';
const NEXT = 'Thank you. What is your name?';
const LONG = 'Please tell me a long story.';

const INBOUND: Advice = 'docs/operations.md#inbounderrors';
const TURNS: Advice = 'docs/operations.md#turnqueueage';
const MODEL: Advice = 'docs/operations.md#failedturns';
const HANDSHAKES: Advice = 'docs/operations.md#authorizererrors';

const REASONS: Partial<Record<FailureReason, string>> = {
  unauthorised: 'the provider refuses the key, or the account has no access to the model',
  throttled: 'the provider allows fewer requests',
  quota: 'the account at the provider has no credit or quota left',
  not_found: 'the provider does not have the model: check the model id and the base URL',
  provider: 'the provider has a problem of its own',
  rejected: 'the provider refuses the request: check the model id',
  unreachable: 'the provider cannot be reached: check the base URL',
  stalled: 'the model sends nothing',
};

const isEvent = (frame: ServerFrame): frame is EventFrame => 'seq' in frame;
const isRefusal = (frame: ServerFrame): frame is Refusal => frame.type === 'error' && !frame.terminal;
const isEnd = (frame: ServerFrame): frame is End => 'full_response' in frame;

/** What the checks share: one session, and the connection that its first message was sent on. */
interface Talk {
  session: string;
  client: Client;
  start: Frame<'session_start'>;
  /** The turn of the first message. */
  turn: string;
}

export function conversationChecks(target: Target): {
  short: Check[];
  full: Check[];
  close(): Promise<void>;
} {
  const clients = new Set<Client>();
  const talk: Partial<Talk> = {};
  const session = `doctor-${randomUUID()}`;
  const late = (what: string, advice: Advice) => async (error: unknown) => {
    if (error instanceof WaitFailed) throw new Fault(`${what}: ${error.why}.`, advice);
    throw error;
  };

  async function dial(token: string | undefined): Promise<Client> {
    const url = new URL(target.url);
    url.searchParams.set('session_id', session);
    const client = await openWaitingClient<ServerFrame>(url.href, {
      headers: token ? { Authorization: `Bearer ${token}` } : {},
      timeoutMs: target.timeoutMs,
      read: (text) => parseFrame(text) as ServerFrame,
    });
    clients.add(client);
    return client;
  }

  /** Connects with the token, as far as `connected`. */
  async function connect(resume?: { lane: string; after_seq: number }) {
    const client = await dial(target.token).catch((error: unknown) => {
      throw refusalOf(error, target);
    });
    client.send({ type: 'connect', ...(resume && { resume }) });
    const start = await client
      .waitFor('session_start')
      .catch(late('The handshake succeeded, and no frame came', INBOUND));
    return { client, start };
  }

  /** Sends a message, and waits until it is accepted. */
  async function send(client: Client, content: string): Promise<Frame<'accepted'>> {
    const id = randomUUID();
    const from = client.frames.length;
    client.send({ type: 'message', id, content });
    const answer = await client
      .waitFor(
        // A frame that fails inside the function is answered without its id.
        (frame): frame is Frame<'accepted'> | Refusal =>
          (frame.type === 'accepted' || isRefusal(frame)) && (frame.id ?? id) === id,
        { from },
      )
      .catch(late('The message was not answered', INBOUND));
    if (answer.type === 'accepted') return answer;
    throw new Fault(`The message was refused: ${answer.code}. ${answer.message}`, INBOUND);
  }

  /** The turn's end. @throws {Fault} if the turn failed, and says why */
  async function endOf(client: Client, turn: string): Promise<End> {
    const end = await client
      .waitFor((frame): frame is End => isEnd(frame) && frame.turn_id === turn, {
        timeoutMs: 2 * target.timeoutMs,
      })
      .catch(late('The turn does not end', TURNS));
    if (end.type === 'error') throw modelFault(end);
    return end;
  }

  /** Resolves when the model speaks in the turn. */
  async function speaking(client: Client, turn: string): Promise<void> {
    const sign = await client
      .waitFor(
        (frame) => isEvent(frame) && frame.turn_id === turn && (frame.type === 'chunk' || isEnd(frame)),
      )
      .catch(late('The turn began, and the model says nothing', MODEL));
    if (sign.type === 'error' && isEnd(sign)) throw modelFault(sign);
    if (isEnd(sign)) throw new NotChecked('the turn ended without a text');
  }

  const opened = () => talk as Talk;

  const short: Check[] = [
    {
      name: 'handshake',
      async run() {
        const { client, start } = await connect();
        Object.assign(talk, { session, client, start });
        await client.waitFor('connected').catch(late('`connect` was not answered', INBOUND));
        return 'A client can connect.';
      },
    },
    {
      name: 'first message',
      needs: 'handshake',
      async run() {
        const { client } = opened();
        talk.turn = (await send(client, ASK)).turn_id;
        await client.waitFor('applied').catch(late('The message was accepted, and no turn began', TURNS));
        return 'A message is accepted, and a turn begins.';
      },
    },
    {
      name: 'model',
      needs: 'first message',
      async run() {
        const { client, turn } = opened();
        await speaking(client, turn);
        return 'The model answers.';
      },
    },
    {
      name: 'steering',
      needs: 'model',
      async run() {
        const { client, turn } = opened();
        const ack = await send(client, STEER);
        if (ack.placement !== 'steering' && client.frames.some(isEnd)) {
          await endOf(client, ack.turn_id);
          throw new NotChecked('the answer was over before the second message arrived');
        }
        demand(ack.turn_id === turn, 'A message in mid-answer was not accepted as steering.', INBOUND);
        const end = await endOf(client, turn);
        const applied = client.frames.flatMap((frame) => (frame.type === 'applied' ? frame.messages : []));
        demand(
          applied.some(({ id }) => id === ack.id),
          'A steering message was accepted and not applied.',
          TURNS,
        );
        return `A message in mid-answer is applied; ${end.full_response?.length ?? 0} characters were answered.`;
      },
    },
  ];

  const full: Check[] = [
    {
      name: 'refusal',
      needs: 'handshake',
      async run() {
        if (!target.token) throw new NotChecked('no token was given, and everybody may connect');
        try {
          const stranger = await dial(`wrong-${randomUUID()}`);
          await stranger.close();
        } catch (error) {
          if (error instanceof HandshakeRefused && error.statusCode < 500) return 'A wrong token is refused.';
          throw refusalOf(error, target);
        }
        throw new Fault('A wrong token is accepted: everybody may connect.', 'docs/deploy.md#choose');
      },
    },
    {
      name: 'second message',
      needs: 'model',
      async run() {
        const { client } = opened();
        const { turn_id } = await send(client, NEXT);
        const end = await endOf(client, turn_id);
        demand(end.full_response !== '', 'The second turn has no text.', MODEL);
        return 'A second message gets a turn of its own.';
      },
    },
    {
      name: 'resume',
      needs: 'model',
      async run() {
        const { client, start } = opened();
        const { turn_id } = await send(client, ASK);
        await speaking(client, turn_id);
        await client.terminate();
        const after_seq = client.frames.filter(isEvent).at(-1)?.seq ?? 0;
        const again = await connect({ lane: start.lane, after_seq });
        Object.assign(talk, again);
        const end = await endOf(again.client, turn_id);
        const missed = again.client.frames.filter(isEvent);
        demand(
          missed.every(({ seq }, at) => seq === after_seq + 1 + at),
          'After a reconnect, events are missing or come twice.',
          INBOUND,
        );
        const text = [...client.frames, ...missed]
          .flatMap((frame) => (frame.type === 'chunk' && frame.turn_id === turn_id ? frame.content : []))
          .join('');
        // The server leaves out what does not fit into a frame.
        demand(
          (end.full_response ?? text) === text,
          'After a reconnect, the answer has other words.',
          INBOUND,
        );
        return 'After a cut in mid-answer, the rest comes once and whole.';
      },
    },
    {
      name: 'abort',
      needs: 'model',
      async run() {
        const { client } = opened();
        const { turn_id } = await send(client, LONG);
        await speaking(client, turn_id);
        const from = client.frames.length;
        client.send({ type: 'abort', turn_id });
        const end = await client
          .waitFor((frame): frame is End | Refusal => isEnd(frame) || isRefusal(frame), { from })
          .catch(late('An abort does not end the turn', TURNS));
        demand(!isRefusal(end), 'A running answer could not be stopped.', INBOUND);
        if (end.type === 'done') throw new NotChecked('the answer was over before it could be stopped');
        return 'A running answer can be stopped.';
      },
    },
    {
      name: 'deletion',
      needs: 'handshake',
      async run() {
        const { client } = opened();
        const from = client.frames.length;
        client.send({ type: 'delete', session_id: session });
        // A refusal with an id is about a message that the deletion withdraws.
        const answer = await client
          .waitFor((frame) => frame.type === 'deleted' || (isRefusal(frame) && frame.id === undefined), {
            from,
          })
          .catch(late('`delete` was not answered', INBOUND));
        demand(answer.type === 'deleted', 'The session could not be deleted.', INBOUND);
        return 'A session can be deleted; those of these checks are.';
      },
    },
  ];

  return {
    short,
    full,
    close: async () => {
      await Promise.all([...clients].map((client) => client.terminate()));
    },
  };
}

function modelFault({ code, message, reason }: TurnError): Fault {
  const likely = reason && REASONS[reason];
  const why = likely ? `Likely, ${likely}.` : message;
  return new Fault(`The turn failed: ${code}${reason ? ` (${reason})` : ''}. ${why}`, MODEL);
}

/** Why there is no connection. */
function refusalOf(error: unknown, { url, token }: Target): Error {
  if (error instanceof HandshakeRefused) {
    const { statusCode } = error;
    if (statusCode === 429)
      return new Fault('The handshake was refused with 429: too many of this principal.', HANDSHAKES);
    if (statusCode >= 500) {
      return new Fault(
        `The handshake was refused with ${statusCode}: a secret or the issuer’s keys cannot be read, or a function fails.`,
        HANDSHAKES,
      );
    }
    const why = token ? 'the token is not one of this deployment' : 'MIDTURN_TOKEN is not set';
    return new Fault(`The handshake was refused with ${statusCode}: ${why}.`, HANDSHAKES);
  }
  if (!(error instanceof Error) || error instanceof WaitFailed) throw error;
  return new Fault(`${new URL(url).host} cannot be reached: ${error.message}`, 'docs/deploy.md#deploy');
}
