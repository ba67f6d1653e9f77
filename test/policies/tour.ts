import { asSessionId } from '../../core/ids.ts';
import type { Principal } from '../../core/store/items.ts';
import { sessionOf } from '../../core/store/keys.ts';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import { accepted, chunk, end, refused } from '../support/frames.ts';
import { type ChatRequest, createGate, type Gate, type Script } from '../support/model-server.ts';
import type { Stack } from '../support/stack.ts';
import { endEnvironments } from '../support/workers.ts';
import type { WsClient } from '../support/ws-client.ts';
import { DRAW, FILE_SCENES } from './file-scenes.ts';
import { HTTP_SCENES } from './http-scenes.ts';
import { outsideOf } from './outside.ts';
import type { TourQueues } from './queues.ts';
import { sayTwice, untilHeard } from './until-heard.ts';
import type { Scene, Visit } from './visit.ts';

/**
 * A tour of the product through real sockets, in scenes that know nothing of each other. Together they use every permission
 * of every role, so that each one taken away shows in one of them.
 */

/** Each visit is somebody else's: how often one may connect and write is limited. */
const MAX_VISITS = 500;
const tokenOf = (visit: number) => `token-of-visitor-${visit}`;
const principalOf = (visit: number): Principal => ({ tenant: 'tour', subject: `visitor-${visit}` });

/** As it is deployed, with what is secret in Secrets Manager; and a wait for a session that is soon over. */
export const TOUR_SETTINGS = {
  MIDTURN_MODEL: 'openai-compatible:scripted',
  MIDTURN_MODEL_BASE_URL: 'http://127.0.0.1:9/v1',
  MIDTURN_MODEL_API_KEY_SECRET: 'midturn/model-key',
  MIDTURN_AUTH: 'tokens',
  MIDTURN_TOKENS_SECRET: 'midturn/tokens',
  MIDTURN_SESSION_QUEUE_TIMEOUT_SECONDS: '3',
  MIDTURN_VISIBILITY_SECONDS: '2',
  MIDTURN_OUTSIDE_MESSAGES: 'true',
  MIDTURN_HTTP: 'true',
  MIDTURN_GREET_SILENT: 'true',
} as const;

export const TOUR_SECRETS = {
  'midturn/model-key': 'sk-of-the-tour',
  'midturn/tokens': Array.from(
    { length: MAX_VISITS },
    (_, visit) => `${tokenOf(visit)}=${principalOf(visit).tenant}/${principalOf(visit).subject}`,
  ).join(','),
} as const;

/** Posts of more are refused: how a client gets into the way of its own stream. */
export const TOUR_LIMITS = { messageBytes: 16_000 } as const;
/** Less than a function waits for a post. */
const SLOW_POST_MS = 1000;
const TOO_LONG = 'x'.repeat(20_000);

const gates = new Map<string, Gate>();

/** Answers by what the person said last, so that a scene that was left early does not answer for another. */
export const tourScript: Script = (request: ChatRequest) => {
  const asked = request.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  if (asked === 'too long') return { chunks: [TOO_LONG] };
  if (asked === DRAW && request.messages.at(-1)?.role !== 'tool')
    return { toolCalls: [{ id: 'c1', name: 'draw', args: {} }] };
  const gate = gates.get(asked);
  if (!gate) return { chunks: ['fine'] };
  // A worker that takes a held turn over is held as well: on a slow machine a heartbeat can be late.
  const isBegun = request.messages.at(-1)?.role === 'assistant';
  return { chunks: [...(isBegun ? [] : ['draft']), gate, '.'] };
};

let visits = 0;

export function startVisit(stack: Stack, queues: TourQueues): Visit {
  const visit = visits++;
  if (visit >= MAX_VISITS) throw new Error('There are more visits than tokens.');
  const principal = principalOf(visit);
  const session = `tour-${visit}`;
  const clients: WsClient[] = [];
  const ids = new Map<WsClient, string>();
  const held = new Set<string>();
  const calls: { name: string; operation: string }[] = [];
  const waiting = new Set<() => void>();
  const stopListening = stack.cloud.permissions.onCall((call) => {
    if (call.allowed) calls.push({ name: call.function, operation: call.operation });
    for (const look of waiting) look();
  });
  const hasHeard: Visit['hasHeard'] = (name, operation) =>
    calls.some((call) => call.name === name && call.operation === operation);
  return {
    session,
    sessionKey: sessionOf(principal, asSessionId(session)),
    queues,
    outside: outsideOf(stack.cloud, principal, session),
    async connect({ isSilent = false } = {}) {
      const { gateway } = stack.cloud;
      const before = new Set(gateway.connections());
      const client = await stack.connect(session, {
        query: { token: tokenOf(visit) },
        principal,
        protocols: [isSilent ? 'zeroclaw.v1' : 'midturn.v1'],
      });
      ids.set(client, gateway.connections().find((id) => !before.has(id)) ?? '');
      clients.push(client);
      return client;
    },
    vanish(client) {
      stack.cloud.gateway.hang(ids.get(client) ?? '');
    },
    async request(route, body) {
      const [method = '', path = ''] = route.split(' ');
      await fetch(`${stack.cloud.pageUrl}api/sessions/${session}${path}`, {
        method,
        headers: { authorization: `Bearer ${tokenOf(visit)}` },
        ...(body && { body: JSON.stringify(body) }),
      });
    },
    slowPosts: (ms) => stack.cloud.gateway.slowPosts(ms),
    kill: (name) => endEnvironments(stack.cloud, name),
    hold(content) {
      const gate = createGate();
      gates.set(content, gate);
      held.add(content);
      return gate;
    },
    hasHeard,
    heard: (name, operation) =>
      new Promise((resolve) => {
        const look = () => {
          if (!hasHeard(name, operation)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    leave() {
      stopListening();
      stack.cloud.gateway.slowPosts(0);
      for (const client of clients) client.socket.terminate();
      for (const content of held) {
        gates.get(content)?.open();
        gates.delete(content);
      }
    },
  };
}

const say = (client: WsClient, id: string, content: string, more: object = {}): void =>
  client.send({ type: 'message', id, content, ...more } as ClientFrame);

export const SCENES: readonly Scene[] = [
  {
    name: 'a turn that is steered',
    async play({ connect, hold, session, heard }) {
      const client = await connect();
      const gate = hold(`wait ${session}`);
      say(client, 'm1', `wait ${session}`);
      await chunk(client, 'draft');
      // Its content has an item of its own, which the turn removes.
      say(client, 'm2', 'more of it'.padEnd(2000, '.'));
      await accepted(client, 'm2');
      gate.open();
      await end(client);
      await heard('turn', 'DeleteItem');
      await client.close();
      await heard('connection', 'DeleteItem');
      // Its token is deleted after its answer.
      await heard('turn', 'DeleteMessage');
    },
  },
  {
    name: 'an abort, a cancel, and a look back',
    async play({ connect, hold, session }) {
      const client = await connect();
      hold(`stop ${session}`);
      say(client, 'm1', `stop ${session}`);
      await chunk(client, 'draft');
      say(client, 'm2', 'never mind');
      await accepted(client, 'm2');
      client.send({ type: 'cancel', id: 'm2' });
      await client.next('cancelled');
      client.send({ type: 'abort' });
      await end(client);
      client.send({ type: 'history' });
      await client.next('history');
      const back = await connect();
      back.send({ type: 'connect', resume: { after_seq: 0 } });
      await back.next('aborted');
    },
  },
  {
    name: 'a deadline that nobody waits for any more',
    async play({ queues, session, sessionKey, heard }) {
      await queues.sendDeadline(
        JSON.stringify({ session: sessionKey, lane: `none-${session}`, slot: 'none' }),
      );
      await heard('deadline', 'DeleteMessage');
    },
  },
  {
    name: 'a wait for the session that is over',
    async play({ connect, hold, session, heard }) {
      const [first, second] = [await connect(), await connect()];
      hold(`long ${session}`);
      say(first, 'm1', `long ${session}`);
      await chunk(first, 'draft');
      // Behind its own lane's turn its time has not begun: the deadline is told again.
      say(first, 'm2', 'afterwards', { delivery: 'queue' });
      say(second, 'm3', 'in vain');
      await refused(second, 'SESSION_QUEUE_TIMEOUT');
      await heard('deadline', 'SendMessage');
      await heard('deadline', 'DeleteMessage');
    },
  },
  {
    name: 'a token that overtakes the running turn',
    async play({ connect, hold, session, sessionKey, queues, heard }) {
      const [first, second] = [await connect(), await connect()];
      const gate = hold(`run ${session}`);
      say(first, 'm1', `run ${session}`);
      await chunk(first, 'draft');
      second.send({ type: 'connect' });
      const { lane } = await second.waitFor('session_start');
      say(second, 'm2', 'behind it');
      const { turn_id: slot } = await accepted(second, 'm2');
      // As if the running turn's own token were lost: whoever comes next runs it to its end, and sends it one before.
      const token = { session: sessionKey, lane, slot };
      await queues.send('turn', `overtaking-${session}`, JSON.stringify(token));
      await heard('turn', 'SendMessage');
      await heard('turn', 'Query');
      gate.open();
      await end(first);
    },
  },
  {
    name: 'a replay whose function dies beside a running turn',
    async play({ connect, hold, session, slowPosts, kill, heard }) {
      const first = await connect();
      const gate = hold(`replay ${session}`);
      say(first, 'm1', `replay ${session}`);
      await chunk(first, 'draft');
      // Its first event arrives while others are still to be posted: it is catching up, and stays so.
      slowPosts(SLOW_POST_MS);
      const second = await connect();
      second.send({ type: 'connect', resume: { after_seq: 0 } });
      await second.next('turn_start');
      await kill('inbound');
      slowPosts(0);
      gate.open();
      await heard('turn', 'SendMessage');
      // The function that the worker called goes on with it.
      await end(second);
    },
  },
  {
    name: 'a message that is no token',
    async play({ queues, session, heard }) {
      await queues.send('turn', `garbage-${session}`, '{"slot":');
      await heard('turn', 'SendMessage');
    },
  },
  {
    name: 'a dead letter',
    async play({ queues, session, sessionKey, heard }) {
      const token = { session: sessionKey, lane: `none-${session}`, slot: 'none' };
      await queues.send('deadTurn', `dead-${session}`, JSON.stringify(token));
      await heard('redrive', 'DeleteMessage');
    },
  },
  {
    name: 'a client that cannot be posted to',
    async play({ connect }) {
      const client = await connect();
      say(client, 'm1', 'too long');
      await client.closed;
    },
  },
  {
    name: 'clients that vanish without a word',
    async play({ connect, vanish, hold, session, heard, hasHeard }) {
      const first = await connect();
      hold(`hold ${session}`);
      say(first, 'm1', `hold ${session}`);
      await chunk(first, 'draft');
      // Told that its wait is over, it does not answer. One that was told before it vanished is followed by another.
      await untilHeard(
        () => hasHeard('deadline', 'DeleteConnection'),
        async (n) => {
          const next = await connect();
          say(next, `w${n}`, 'in vain');
          await accepted(next, `w${n}`);
          vanish(next);
          await Promise.race([heard('deadline', 'DeleteConnection'), refused(next, 'SESSION_QUEUE_TIMEOUT')]);
        },
      );
      const third = await connect();
      third.send({ type: 'connect' });
      await third.next('connected');
      vanish(third);
      // Both listen to this session, and are told its new name.
      first.send({ type: 'rename', session_id: session, name: 'held' });
      await heard('inbound', 'DeleteConnection');
    },
  },
  {
    name: 'a frame of every kind',
    async play({ connect, heard, session }) {
      const client = await connect();
      client.send({ type: 'connect' });
      await client.next('connected');
      client.send({ type: 'ping' });
      await client.next('pong');
      client.send({ type: 'history' });
      await client.next('history');
      client.send({ type: 'sessions' });
      await client.next('sessions');
      client.send({ type: 'rename', session_id: session, name: 'tour' });
      await client.next('renamed');
      client.send({ type: 'export', session_id: session });
      await client.next('export');
      client.send({ type: 'abort' });
      await refused(client, 'NO_ACTIVE_TURN');
      client.send({ type: 'cancel', id: 'm0' });
      await refused(client, 'NOT_PENDING');
      client.send({ type: 'approval_response', request_id: 'r1', decision: 'deny' });
      await refused(client, 'INVALID_APPROVAL_RESPONSE');
      client.sendRaw('{"type":"nonsense"}');
      await refused(client, 'UNKNOWN_MESSAGE_TYPE');
      say(client, 'm1', 'hello');
      await end(client);
      await client.close();
      await heard('connection', 'DeleteItem');
    },
  },
  ...FILE_SCENES,
  ...HTTP_SCENES,
  {
    name: 'a session that is deleted',
    async play({ connect, session, heard }) {
      const client = await connect();
      say(client, 'm1', 'hello');
      await end(client);
      client.send({ type: 'delete', session_id: session });
      await client.next('deleted');
      // Its items, and itself once more when nobody can write for it.
      await heard('deadline', 'DeleteItem');
      await heard('deadline', 'DeleteMessage');
    },
  },
  {
    name: 'messages of the application',
    async play({ connect, hold, outside, hasHeard, session }) {
      const client = await connect();
      client.send({ type: 'connect' });
      await client.next('connected');
      const gate = hold(`wait ${session}`);
      await outside.send('w0', `wait ${session}`);
      await client.next('chunk');
      await sayTwice(outside.send, { session, hold, hasHeard: () => hasHeard('send', 'DeleteItem') });
      gate.open();
      await end(client);
    },
  },
  {
    name: 'a message of the application that is never taken',
    async play({ connect, hold, outside, session }) {
      const client = await connect();
      hold(`hold ${session}`);
      say(client, 'm1', `hold ${session}`);
      await chunk(client, 'draft');
      for (const id of ['m2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8']) {
        say(client, id, 'afterwards', { delivery: 'queue' });
        await accepted(client, id);
      }
      await outside.sendLater('w1', 'in vain');
      await outside.dead('w1');
    },
  },
  {
    name: 'an outcome that a dead function left in a full queue',
    async play({ connect, vanish, outside, hasHeard }) {
      // The turn of the message may find the outcome first.
      await untilHeard(
        () => hasHeard('send', 'DeleteConnection'),
        async (n) => {
          const client = await connect();
          client.send({ type: 'connect' });
          const { lane } = await client.waitFor('session_start');
          await client.next('connected');
          await outside.leaveBehind(lane);
          vanish(client);
          await outside.send(`w${n}`, 'hello');
        },
      );
    },
  },
  {
    name: 'a connection that says nothing',
    async play({ connect }) {
      const client = await connect({ isSilent: true });
      await client.next('session_start');
    },
  },
];
