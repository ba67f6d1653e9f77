import { isEvent } from '../frames.ts';
import { ask, doneOf, newId, transcript, visit } from '../moves.ts';
import { brief, demand, need } from '../outcome.ts';
import { Refused } from '../peer.ts';
import { SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';
import type { ConnectOptions, Server } from '../server.ts';

async function isRefused(server: Server, options: ConnectOptions): Promise<boolean> {
  try {
    await server.connect(options);
    return false;
  } catch (error) {
    if (error instanceof Refused) return true;
    throw error;
  }
}

const withToken = (server: Server): string => {
  const { token } = server.target;
  need(token, 'needs --token');
  return token;
};

export const HANDSHAKE: readonly Scenario[] = [
  {
    name: 'handshake-subprotocol',
    promise: 'wire',
    points: ['4.1.7'],
    says: 'the subprotocol `midturn.v1` is echoed, also among others',
    async run(server) {
      for (const protocols of [['midturn.v1'], ['other.v9', 'midturn.v1'], ['zeroclaw.v1']]) {
        const wanted = protocols.at(-1);
        const peer = await server.connect({ session: server.newSession(), protocols });
        demand(peer.protocol === wanted, `asked for ${protocols}, the server chose "${peer.protocol}"`);
      }
    },
  },
  {
    name: 'handshake-session-start-first',
    promise: 'wire',
    points: ['4.2.2', '4.2.5'],
    says: 'whatever the first frame is, `session_start` answers before anything else',
    async run(server) {
      const frames = [
        '{"type":"connect"}',
        '{"type":"ping"}',
        '{"type":"history"}',
        '{"type":"abort"}',
        'not json',
        JSON.stringify({ type: 'message', content: '' }),
      ];
      for (const text of frames) {
        const peer = await server.connect({ session: server.newSession() });
        peer.sendText(text);
        await peer.wait(({ type }) => type !== 'session_start', { what: `the answer to ${text}` });
        const [first] = peer.received;
        demand(first?.type === 'session_start', `${text} was answered by ${brief(first)} first`);
      }
    },
  },
  {
    name: 'handshake-one-greeting',
    promise: 'wire',
    points: ['4.2.3'],
    says: 'many frames at once are greeted once',
    async run(server) {
      const peer = await server.connect({ session: server.newSession() });
      const nonces = ['a', 'b', 'c', 'd'];
      for (const nonce of nonces) peer.send({ type: 'ping', nonce });
      peer.send({ type: 'connect' });
      await peer.wait('connected');
      for (const nonce of nonces) await peer.wait((frame) => frame.type === 'pong' && frame.nonce === nonce);
      const greetings = peer.received.filter(({ type }) => type === 'session_start').length;
      demand(greetings === 1, `\`session_start\` came ${greetings} times`);
      demand(peer.received[0]?.type === 'session_start', `first came ${brief(peer.received[0])}`);
    },
  },
  {
    name: 'handshake-connected',
    promise: 'wire',
    points: ['4.2.4', '4.3.1'],
    says: '`connect` is answered by `session_start`, then `connected`',
    async run(server) {
      const { peer, session, start } = await visit(server);
      const types = peer.received.map(({ type }) => type).join();
      demand(types === 'session_start,connected', `what came was ${types}`);
      demand(start.session_id === session, `session ${session} was asked for, ${start.session_id} is told`);
      demand(start.last_seq === 0 && !start.active_turn, `a new session is told as ${brief(start)}`);
      demand(!start.resumed && start.message_count === 0, `a new session is told as ${brief(start)}`);
    },
  },
  {
    name: 'handshake-generated-session',
    promise: 'wire',
    points: ['4.1.1'],
    says: 'without a session id, a session of its own is generated, and can be come back to',
    async run(server) {
      const peers = [await server.connect(), await server.connect()];
      const starts = [];
      for (const peer of peers) {
        peer.send({ type: 'connect' });
        starts.push(await peer.wait('session_start'));
      }
      const [one, two] = starts.map(({ session_id }) => session_id);
      demand(one && two && one !== two, `two connections were given the sessions ${one} and ${two}`);
      const back = await visit(server, one);
      demand(back.start.session_id === one, `coming back to ${one} led to ${back.start.session_id}`);
    },
  },
  {
    name: 'handshake-session-by-frame',
    promise: 'wire',
    points: ['4.2.6'],
    says: '`connect.session_id` chooses the session',
    async run(server) {
      const session = server.newSession();
      const peer = await server.connect();
      peer.send({ type: 'connect', session_id: session });
      const { session_id } = await peer.wait('session_start');
      demand(session_id === session, `session ${session} was asked for, ${session_id} is told`);
    },
  },
  {
    name: 'handshake-name',
    promise: 'wire',
    points: ['4.1.4', '4.3.1'],
    says: 'the `name` of the URL is the name of a new session, told again to who comes back',
    async run(server) {
      const session = server.newSession();
      for (const options of [{ session, name: 'Groceries' }, { session }]) {
        const peer = await server.connect(options);
        peer.send({ type: 'connect' });
        const { name } = await peer.wait('session_start');
        demand(name === 'Groceries', `\`session_start\` names it ${brief(name)}`);
      }
    },
  },
  {
    name: 'handshake-comes-back',
    promise: 'wire',
    points: ['4.3.1', '4.3.2'],
    says: 'a later `session_start` tells what the session holds',
    async run(server) {
      const { peer, session, start } = await visit(server);
      const { ack } = await ask(peer, SHORT);
      const { seq } = await doneOf(peer, ack.turn_id);
      const entries = await transcript(peer);
      const again = (await visit(server, session)).start;
      demand(again.resumed, 'a session with a transcript is told as not resumed');
      demand(again.last_seq === seq, `\`last_seq\` is ${again.last_seq} after event ${seq}`);
      demand(
        again.message_count === entries.length,
        `\`message_count\` is ${again.message_count} of ${entries.length}`,
      );
      demand(again.lane !== start.lane, 'two connections were given the same lane');
    },
  },
  {
    name: 'handshake-token-places',
    promise: 'P12',
    points: ['4.1.5'],
    says: 'the token is taken from the header, a `bearer.` subprotocol and the query',
    async run(server) {
      const token = withToken(server);
      for (const tokenIn of ['header', 'subprotocol', 'query'] as const) {
        const peer = await server.connect({ session: server.newSession(), token, tokenIn });
        peer.send({ type: 'connect' });
        await peer.wait('connected', { what: `\`connected\` with the token in the ${tokenIn}` });
        demand(peer.protocol === 'midturn.v1', `the server chose the subprotocol "${peer.protocol}"`);
      }
    },
  },
  {
    name: 'handshake-token-refused',
    promise: 'P12',
    points: ['4.1.9'],
    says: 'without a token, or with a wrong one, the handshake is refused',
    async run(server) {
      withToken(server);
      for (const tokenIn of ['header', 'subprotocol', 'query'] as const) {
        const wrong = { session: server.newSession(), token: `wrong-${newId()}`, tokenIn };
        demand(await isRefused(server, wrong), `a wrong token in the ${tokenIn} was let in`);
      }
      const none = { session: server.newSession(), token: '' };
      demand(await isRefused(server, none), 'no token was let in');
    },
  },
  {
    name: 'handshake-isolated',
    promise: 'P12',
    points: ['4.1.3', '7.1.3'],
    says: 'another principal’s session of the same id is another session',
    async run(server) {
      const { otherToken } = server.target;
      need(otherToken, 'needs --other-token');
      const { peer, session, start } = await visit(server);
      const { id, ack } = await ask(peer, SHORT);
      const other = await server.connect({ session, token: otherToken });
      other.send({ type: 'connect', resume: { lane: start.lane, after_seq: 0 } });
      await other.wait('connected');
      const theirs = await other.wait('session_start');
      demand(!theirs.active_turn && theirs.last_seq === 0, `the other is told ${brief(theirs)}`);
      demand(theirs.lane !== start.lane, 'the other was given the lane');
      other.send({ type: 'cancel', id });
      await other.wait((frame) => frame.type === 'error' && frame.code === 'NOT_PENDING');
      await doneOf(peer, ack.turn_id);
      const entries = await transcript(other);
      demand(entries.length === 0, `the other reads ${brief(entries)}`);
      demand(!other.received.some(isEvent), `the other received ${brief(other.received.find(isEvent))}`);
    },
  },
];
