import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { isEvent } from '../frames.ts';
import { ask, doneOf, newId, transcript, visit } from '../moves.ts';
import { brief, demand, need } from '../outcome.ts';
import { SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';
import type { ConnectOptions, Server } from '../server.ts';

async function isRefused(server: Server, options: ConnectOptions): Promise<boolean> {
  try {
    await server.connect(options);
    return false;
  } catch (error) {
    if (error instanceof HandshakeRefused) return true;
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
    says: 'the subprotocol `midturn.v1` is selected, also among others',
    async run(server) {
      for (const protocols of [['midturn.v1'], ['other.v9', 'midturn.v1'], ['zeroclaw.v1']]) {
        const wanted = protocols.at(-1);
        const peer = await server.connect({ session: server.newSession(), protocols });
        demand(peer.protocol === wanted, `offered ${protocols}, the server selected "${peer.protocol}"`);
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
        demand(first?.type === 'session_start', `the first answer to ${text} was ${brief(first)}`);
      }
    },
  },
  {
    name: 'handshake-one-greeting',
    promise: 'wire',
    points: ['4.2.3'],
    says: 'many frames at once get one `session_start`',
    async run(server) {
      const peer = await server.connect({ session: server.newSession() });
      const nonces = ['a', 'b', 'c', 'd'];
      for (const nonce of nonces) peer.send({ type: 'ping', nonce });
      peer.send({ type: 'connect' });
      await peer.wait('connected');
      for (const nonce of nonces) await peer.wait((frame) => frame.type === 'pong' && frame.nonce === nonce);
      const starts = peer.received.filter(({ type }) => type === 'session_start').length;
      demand(starts === 1, `\`session_start\` was sent ${starts} times`);
      demand(peer.received[0]?.type === 'session_start', `the first frame was ${brief(peer.received[0])}`);
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
      demand(types === 'session_start,connected', `the answer was ${types}`);
      demand(
        start.session_id === session,
        `session ${session} was asked for, the answer names ${start.session_id}`,
      );
      demand(start.last_seq === 0 && !start.active_turn, `a new session is described as ${brief(start)}`);
      demand(!start.resumed && start.message_count === 0, `a new session is described as ${brief(start)}`);
    },
  },
  {
    name: 'handshake-connect-again',
    promise: 'wire',
    points: ['4.2.6', '4.2.7'],
    says: 'a later `connect` gets a `session_start` of its own, and cannot change session or lane',
    async run(server) {
      const { peer, session, start } = await visit(server);
      const elsewhere = await visit(server);
      const from = peer.received.length;
      const resume = { lane: elsewhere.start.lane, after_seq: 0 };
      peer.send({ type: 'connect', session_id: elsewhere.session, resume });
      await peer.wait('connected', { from });
      const again = await peer.wait('session_start', { from });
      demand(again.session_id === session, `the session is ${again.session_id} now, it was ${session}`);
      demand(again.lane === start.lane, `the lane is ${again.lane} now, it was ${start.lane}`);
    },
  },
  {
    name: 'handshake-generated-session',
    promise: 'wire',
    points: ['4.1.1'],
    says: 'without a session id, the server generates a new one, to which a client can connect again',
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
      demand(back.start.session_id === one, `connecting to ${one} again led to ${back.start.session_id}`);
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
      demand(session_id === session, `session ${session} was asked for, the answer names ${session_id}`);
    },
  },
  {
    name: 'handshake-name',
    promise: 'wire',
    points: ['4.1.4', '4.3.1'],
    says: 'the `name` of the URL names a new session, and later connections get it too',
    async run(server) {
      const session = server.newSession();
      for (const options of [{ session, name: 'Groceries' }, { session }]) {
        const peer = await server.connect(options);
        peer.send({ type: 'connect' });
        const { name } = await peer.wait('session_start');
        demand(name === 'Groceries', `\`session_start\` has the name ${brief(name)}`);
      }
    },
  },
  {
    name: 'handshake-comes-back',
    promise: 'wire',
    points: ['4.3.1', '4.3.2'],
    says: 'a later `session_start` gives the state of the session',
    async run(server) {
      const { peer, session, start } = await visit(server);
      const { ack } = await ask(peer, SHORT);
      const { seq } = await doneOf(peer, ack.turn_id);
      const entries = await transcript(peer);
      const again = (await visit(server, session)).start;
      demand(again.resumed, '`resumed` is false for a session with a transcript');
      demand(again.last_seq === seq, `\`last_seq\` is ${again.last_seq} after event ${seq}`);
      demand(
        again.message_count === entries.length,
        `\`message_count\` is ${again.message_count}, the transcript has ${entries.length}`,
      );
      demand(again.lane !== start.lane, 'two connections were given the same lane');
    },
  },
  {
    name: 'handshake-token-places',
    promise: 'P12',
    points: ['4.1.5', '4.1.10'],
    says: 'the token is taken from the header, a `bearer.` or `bearer64.` subprotocol and the query',
    async run(server) {
      const token = withToken(server);
      for (const tokenIn of ['header', 'subprotocol', 'encoded subprotocol', 'query'] as const) {
        const at = { session: server.newSession(), token, tokenIn };
        const peer = await server.connect({ ...at, protocols: ['midturn.v1'] });
        peer.send({ type: 'connect' });
        await peer.wait('connected', { what: `\`connected\` with the token in the ${tokenIn}` });
        demand(peer.protocol === 'midturn.v1', `the server selected the subprotocol "${peer.protocol}"`);
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
      for (const tokenIn of ['header', 'subprotocol', 'encoded subprotocol', 'query'] as const) {
        const wrong = { session: server.newSession(), token: `wrong-${newId()}`, tokenIn };
        demand(await isRefused(server, wrong), `a wrong token in the ${tokenIn} was accepted`);
      }
      const none = { session: server.newSession(), token: '' };
      demand(await isRefused(server, none), 'a handshake without a token was accepted');
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
      demand(!theirs.active_turn && theirs.last_seq === 0, `the other principal got ${brief(theirs)}`);
      demand(theirs.lane !== start.lane, 'the other principal got the lane');
      other.send({ type: 'cancel', id });
      await other.wait((frame) => frame.type === 'error' && frame.code === 'NOT_PENDING');
      await doneOf(peer, ack.turn_id);
      const entries = await transcript(other);
      demand(entries.length === 0, `the other principal reads ${brief(entries)}`);
      demand(
        !other.received.some(isEvent),
        `the other principal received ${brief(other.received.find(isEvent))}`,
      );
    },
  },
];
