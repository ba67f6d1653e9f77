import { describe, expect, it, onTestFinished } from 'vitest';
import type { Case, NewEvent } from '../../conformance/client/case.ts';
import { Changes } from '../../conformance/client/changes.ts';
import { Stage } from '../../conformance/client/stage.ts';
import type { ClientFrame } from '../../protocol/client-frames.ts';
import type { ServerFrame } from '../../protocol/server-frames.ts';
import { openWaitingClient } from '../../protocol/waiting-client.ts';
import { WAIT_MS } from '../support/timeouts.ts';

type Entries = NonNullable<Case['transcript']>;

/** The server of a case, and clients for it. `soon`: waits for nothing. */
async function given({ transcript, soon = false }: { transcript?: Entries; soon?: boolean } = {}) {
  const changes = new Changes(soon ? 1 : WAIT_MS);
  const theCase = { name: 'order-a', promise: 'P9', points: ['5.3.1'], says: '', steps: [] } as const;
  const stage = await Stage.open({ ...theCase, ...(transcript && { transcript }) }, changes);
  onTestFinished(() => stage.close());
  const dial = (protocols: readonly string[] = ['midturn.v1']) =>
    openWaitingClient<ServerFrame>(stage.url, {
      protocols,
      timeoutMs: WAIT_MS,
      read: (text) => JSON.parse(text),
    });
  /** Connects as a client does. */
  const connect = async (resume?: { lane?: string; after_seq?: number }) => {
    const client = await dial();
    client.send({ type: 'connect', ...(resume && { resume }) });
    await client.waitFor('connected');
    return client;
  };
  return { stage, dial, connect };
}
type Client = Awaited<ReturnType<Awaited<ReturnType<typeof given>>['dial']>>;

const typesOf = ({ frames }: Client) => frames.map((frame) => ('seq' in frame ? frame.seq : frame.type));
/** Until the server has read all that was sent before. */
async function isRead(client: Client): Promise<void> {
  const nonce = Math.random();
  client.send({ type: 'ping', nonce });
  await client.waitFor((frame) => frame.type === 'pong' && frame.nonce === nonce);
}
const begin: { event: NewEvent } = { event: { type: 'turn_start', message_ids: [] } };
const say = (content: string) => ({ event: { type: 'chunk', content } }) as const;
const message = (id: string, content: string, order?: number): ClientFrame => ({
  type: 'message',
  id,
  content,
  ...(order !== undefined && { order }),
});

describe('the server of a case', () => {
  it('answers `connect` by the session, the events that are missing, and `connected`', async () => {
    const { stage, connect } = await given({ transcript: [{ n: 1 }, { n: 2 }] });
    const first = await connect();
    expect(first.protocol).toBe('midturn.v1');
    expect(first.frames[0]).toMatchObject({ resumed: false, last_seq: 0, message_count: 2, lane: 'lane-1' });
    expect(first.frames[0]).not.toHaveProperty('active_turn');
    await stage.post([begin, say('a'), say('b')]);
    await first.waitFor((frame) => 'seq' in frame && frame.seq === 3);
    const second = await connect({ lane: 'lane-1', after_seq: 1 });
    expect(typesOf(second)).toEqual(['session_start', 2, 3, 'connected']);
    expect(second.frames[0]).toMatchObject({
      resumed: true,
      last_seq: 3,
      active_turn: { turn_id: 'turn-1', first_seq: 1 },
    });
    expect(typesOf(await connect())).toEqual(['session_start', 'connected']);
    expect(stage.connections).toBe(3);
  });

  it('answers the next `connect` alone as the case says', async () => {
    const { stage, connect, dial } = await given();
    await connect();
    await stage.post([begin, say('a'), say('b')]);
    stage.answerNext({ start: { last_seq: 9 }, startTwice: true, replay: [{ seq: 3 }, { seq: 1 }] });
    const odd = await connect({ after_seq: 0 });
    expect(typesOf(odd)).toEqual(['session_start', 'session_start', 3, 1, 'connected']);
    expect(odd.frames[0]).toMatchObject({ last_seq: 9 });
    expect(typesOf(await connect({ after_seq: 2 }))).toEqual(['session_start', 3, 'connected']);
    stage.answerNext({ cutAfter: 1 });
    const cut = await dial();
    cut.send({ type: 'connect', resume: { after_seq: 1 } });
    expect(await cut.closed).toMatchObject({ code: 1006 });
    expect(typesOf(cut)).toEqual(['session_start', 2]);
  });

  it('holds an answer back until it is released', async () => {
    const { stage, dial } = await given();
    stage.answerNext({ hold: true });
    const client = await dial();
    client.send({ type: 'connect' });
    await isRead(client);
    expect(typesOf(client)).toEqual(['pong']);
    await stage.release();
    await client.waitFor('connected');
    expect(stage.wrong).toEqual([]);
  });

  it('gives pages of the transcript from its end', async () => {
    const { connect } = await given({ transcript: Array.from({ length: 5 }, (_, at) => ({ n: at + 1 })) });
    const client = await connect();
    const page = async (asked: object) => {
      client.send({ type: 'history', ...asked });
      const { entries, next } = await client.next('history');
      return [entries.map(({ n }) => n), next];
    };
    expect(await page({})).toEqual([[1, 2, 3, 4, 5], undefined]);
    expect(await page({ limit: 2 })).toEqual([[4, 5], 4]);
    expect(await page({ limit: 2, before: 4 })).toEqual([[2, 3], 2]);
    expect(await page({ limit: 2, before: 2 })).toEqual([[1], undefined]);
  });

  it('posts to those that are connected: new events, stored ones again, texts, and replies to messages by name', async () => {
    const { stage, connect, dial } = await given();
    stage.announce('a', 'A');
    const posted = stage.post([begin, { unsent: { type: 'thinking', content: 'hm' } }, say('x'), { seq: 1 }]);
    const deaf = await dial();
    const client = await connect();
    client.send(message('m1', 'A'));
    await isRead(client);
    await posted;
    await stage.post([
      { text: '{"type":"x-mystery"}' },
      { reply: { type: 'cancelled', ids: ['$a'], reason: 'user' } },
    ]);
    await client.waitFor('cancelled');
    expect(typesOf(client).filter((type) => type !== 'pong')).toEqual([
      ...['session_start', 'connected'],
      ...[1, 3, 1, 'x-mystery', 'cancelled'],
    ]);
    expect(client.frames.at(-1)).toEqual({ type: 'cancelled', ids: ['m1'], reason: 'user' });
    expect(deaf.frames).toEqual([]);
    await expect(stage.post([{ seq: 9 }])).rejects.toThrow('event 9, which did not happen');
  });

  it('stores what is not sent without a connection, and says where one is missing', async () => {
    const { stage } = await given({ soon: true });
    await stage.post([{ unsent: begin.event }]);
    expect(stage.story.events).toHaveLength(1);
    await expect(stage.post([say('a')])).rejects.toThrow('the client has no connection');
    await expect(stage.release()).rejects.toThrow('the client sent no `connect`');
    await expect(stage.expect({ type: 'abort' })).rejects.toThrow(
      'no frame came as {"type":"abort"}; the last one was nothing',
    );
    await expect(stage.expectToken('t')).rejects.toThrow('the token t; the last one brought none');
  });

  it('refuses handshakes with the statuses of the case, which count as no connections', async () => {
    const { stage, dial } = await given();
    stage.refuseNext([401, 503]);
    for (const statusCode of [401, 503]) await expect(dial()).rejects.toMatchObject({ statusCode });
    await dial(['midturn.v1', 'bearer.t1']);
    expect(stage.connections).toBe(1);
    await stage.expectToken('t1');
  });

  it.each([1006, 1001])('ends all connections with %i', async (code) => {
    const { stage, connect } = await given();
    const clients = [await connect(), await connect()];
    stage.cut(code);
    for (const { closed } of clients) expect(await closed).toMatchObject({ code });
    expect(stage.wrong).toEqual([]);
  });
});

describe('what a client sends', () => {
  it('is taken once by what the case expects; a repeat of an answered message gets its answer again', async () => {
    const { stage, connect } = await given();
    stage.announce('a', 'A');
    const client = await connect();
    client.send(message('m1', 'A', 1));
    await stage.expect({ type: 'message', id: '$a' });
    expect(stage.untaken('message')).toBe(0);
    await stage.post([
      { reply: { type: 'accepted', id: '$a', turn_id: 't', placement: 'turn', position: 0 } },
    ]);
    client.send(message('m1', 'A', 1));
    expect(await client.next((frame) => frame.type === 'accepted' && frame.duplicate === true)).toMatchObject(
      {
        id: 'm1',
      },
    );
    expect(stage.untaken('message')).toBe(0);
    for (let n = 0; n < 2; n++) client.send({ type: 'abort' });
    await isRead(client);
    expect([stage.untaken('abort'), stage.untaken('cancel')]).toEqual([2, 0]);
    await stage.expect({ type: 'abort' });
    expect(stage.untaken('abort')).toBe(1);
    expect(() => stage.demandRight()).not.toThrow();
  });

  it.each<[string, (client: Client) => void, RegExp]>([
    ['in binary', (client) => client.sendBinary(Buffer.from('{"type":"ping"}')), /^a binary message/],
    ['that is not JSON', (client) => client.sendRaw('{'), /in the frame \{ \(3\.1\.1\)$/],
    ['without a type', (client) => client.sendRaw('null'), /has the type nothing in the frame null/],
    [
      'of an unknown type',
      (client) => client.sendRaw('{"type":"toString"}'),
      /^no frame of a client has the type "toString"/,
    ],
    [
      'with a wrong field',
      (client) => client.send({ type: 'cancel', id: '' }),
      /^cancel\.id: it must have 1 to 64 .*\(3\.1\.1\)$/,
    ],
    [
      'that nobody wrote',
      (client) => client.send(message('m1', 'B')),
      /^a message was sent that nobody wrote/,
    ],
  ])('is wrong: a frame %s', async (_, send, why) => {
    const { stage, connect } = await given();
    const client = await connect();
    send(client);
    await isRead(client);
    expect(stage.wrong).toEqual([expect.stringMatching(why)]);
    expect(() => stage.demandRight()).toThrow(why);
  });

  it('is wrong before the session has begun', async () => {
    const { stage, dial } = await given();
    stage.announce('a', 'A');
    const early = await dial();
    early.send({ type: 'ping' });
    early.send({ type: 'connect' });
    await early.waitFor('connected');
    expect(stage.wrong).toEqual(['`ping` was sent before `session_start` came (7.1.6)']);
    stage.answerNext({ hold: true });
    const hasty = await dial();
    hasty.send({ type: 'connect' });
    hasty.send(message('m1', 'A'));
    await isRead(hasty);
    expect(stage.wrong.slice(1)).toEqual(['a message was sent before `session_start` came (7.1.6)']);
  });
});
