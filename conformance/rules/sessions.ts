import type { FrameOf } from '../frames.ts';
import { isRefusal } from '../frames.ts';
import {
  ask,
  doneOf,
  endOf,
  newId,
  refusal,
  shownText,
  steer,
  transcript,
  turnWithTool,
  visit,
} from '../moves.ts';
import { brief, demand, need } from '../outcome.ts';
import type { Peer } from '../peer.ts';
import { SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

/** The session's entry in the list, read page by page from the newest one. */
async function listed(
  peer: Peer,
  session: string,
): Promise<FrameOf<'sessions'>['sessions'][number] | undefined> {
  for (let after: string | undefined; ; ) {
    const from = peer.received.length;
    peer.send({ type: 'sessions', ...(after !== undefined && { after }) });
    const page = await peer.wait('sessions', { from });
    const found = page.sessions.find(({ session_id }) => session_id === session);
    if (found || page.next === undefined) return found;
    after = page.next;
  }
}

/** The data of all pages of an export. */
async function exported(peer: Peer, session: string): Promise<string> {
  let data = '';
  for (let after: string | undefined; ; ) {
    const from = peer.received.length;
    peer.send({ type: 'export', session_id: session, ...(after !== undefined && { after }) });
    const page = await peer.wait('export', { from });
    data += page.data;
    if (page.next === undefined) return data;
    after = page.next;
  }
}

const isDeletion = (frame: Peer['received'][number], id?: string): boolean =>
  isRefusal(frame) && frame.code === 'SESSION_DELETED' && frame.id === id;

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

export const SESSIONS: readonly Scenario[] = [
  {
    name: 'sessions-list-rename',
    promise: 'wire',
    points: ['9.1.2', '9.1.3'],
    says: 'a session with a turn is in the list; all its connections get its new name',
    async run(server) {
      const { peer, session } = await visit(server);
      await doneOf(peer, (await ask(peer, SHORT)).ack.turn_id);
      const other = await visit(server, session);
      const elsewhere = await visit(server);
      const name = `name ${newId()}`;
      elsewhere.peer.send({ type: 'rename', session_id: session, name });
      for (const each of [elsewhere.peer, peer, other.peer]) {
        const renamed = await each.wait('renamed');
        demand(
          renamed.session_id === session && renamed.name === name,
          `it was renamed to ${brief(renamed)}`,
        );
      }
      const found = await listed(elsewhere.peer, session);
      demand(found, 'the session is not in the list');
      demand(found.name === name, `the list has the name ${brief(found.name)}`);
    },
  },
  {
    name: 'sessions-export',
    promise: 'P1',
    points: ['9.1.4'],
    says: 'the pages of an export are JSON lines: one about the session, then each entry in order',
    async run(server) {
      const { peer, session } = await visit(server);
      await doneOf(peer, (await ask(peer, SHORT)).ack.turn_id);
      const data = await exported(peer, session);
      const lines: unknown[] = data
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
      const types = lines.map((line) => Reflect.get(Object(line), 'type'));
      demand(types[0] === 'session', `the first line is ${brief(lines[0])}`);
      demand(
        types.slice(1).every((type) => type === 'entry'),
        `the other lines have the types ${brief(types.slice(1))}`,
      );
      const numbers = lines.slice(1).map((line) => Reflect.get(Object(line), 'n'));
      const stored = (await transcript(peer)).map(({ n }) => n);
      demand(numbers.join() === stored.join(), `the entries are ${numbers}, the transcript has ${stored}`);
    },
  },
  {
    name: 'sessions-isolated',
    promise: 'P12',
    points: ['9.1.1'],
    says: 'another principal’s session is `SESSION_NOT_FOUND`, as one that does not exist',
    async run(server) {
      const { otherToken } = server.target;
      need(otherToken, 'needs --other-token');
      const { peer, session } = await visit(server);
      await doneOf(peer, (await ask(peer, SHORT)).ack.turn_id);
      const other = await server.connect({ session: server.newSession(), token: otherToken });
      for (const session_id of [session, server.newSession()]) {
        for (const type of ['rename', 'export', 'delete']) {
          const frame = JSON.stringify({ type, session_id, ...(type === 'rename' && { name: 'taken' }) });
          const error = await refusal(other, frame, 'SESSION_NOT_FOUND');
          demand(error.session_id === session_id, `the error names the session ${error.session_id}`);
        }
      }
      const fork = newId();
      other.send({ type: 'fork', session_id: fork, from: session });
      await other.wait(
        (frame) => isRefusal(frame) && frame.code === 'SESSION_NOT_FOUND' && frame.session_id === fork,
        {
          what: 'SESSION_NOT_FOUND for the fork',
        },
      );
      demand((await transcript(peer)).length > 0, 'the session is gone');
    },
  },
  {
    name: 'sessions-fork',
    promise: 'P3 P10',
    points: ['9.3.1', '9.3.3', '9.3.6', '9.3.7'],
    says: 'a fork has the entries before its message, once, and says what it was made of; the session stays as it is',
    async run(server) {
      const { peer, session } = await visit(server);
      await doneOf(peer, (await ask(peer, SHORT)).ack.turn_id);
      const kept = await transcript(peer);
      const second = await ask(peer, SHORT);
      await doneOf(peer, second.ack.turn_id);
      const whole = await transcript(peer);
      const fork = server.newSession();
      const frame = { type: 'fork', session_id: fork, from: session, before: second.id } as const;
      for (const _ of ['first', 'again']) {
        const from = peer.received.length;
        peer.send(frame);
        const forked = await peer.wait('forked', { from });
        const origin = { session_id: session, before: kept.length + 1 };
        demand(
          forked.session_id === fork && same(forked.forked_from, origin),
          `it was forked as ${brief(forked)}`,
        );
      }
      const other = await server.connect({ session: fork });
      other.send({ type: 'connect' });
      const start = await other.wait('session_start');
      demand(
        start.forked_from?.session_id === session,
        `session_start has the origin ${brief(start.forked_from)}`,
      );
      demand(
        (await listed(peer, fork))?.forked_from?.session_id === session,
        'the list does not have the origin',
      );
      demand(same(await transcript(other), kept), 'the fork has other entries');
      demand(same(await transcript(peer), whole), 'the session that was forked has changed');
      for (const [code, wrong] of [
        ['ENTRY_NOT_FOUND', { ...frame, session_id: server.newSession(), before: newId() }],
        ['SESSION_EXISTS', { ...frame, session_id: session }],
      ] as const) {
        const error = await refusal(peer, JSON.stringify(wrong), code);
        demand(error.session_id === wrong.session_id, `the error names the session ${error.session_id}`);
      }
    },
  },
  {
    name: 'sessions-delete',
    promise: 'P1 P3',
    points: ['9.2.1', '9.2.3', '9.2.4', '9.2.5'],
    says: '`delete` ends the turn, answers pending messages, and closes the session to every connection',
    async run(server) {
      const running = await turnWithTool(server, 10);
      const { peer, session, turn } = running;
      const pending = await steer(running, SHORT);
      const other = await visit(server);
      other.peer.send({ type: 'delete', session_id: session });
      await other.peer.wait('deleted');
      const end = await endOf(peer, turn);
      demand(end.type === 'error' && end.code === 'SESSION_DELETED', `the turn ended in ${brief(end)}`);
      demand(
        end.full_response === null || end.full_response === shownText(peer, turn),
        `the end has the text ${brief(end.full_response)}`,
      );
      await peer.wait((frame) => isDeletion(frame, pending.id), { what: 'SESSION_DELETED for the message' });
      await peer.wait((frame) => isDeletion(frame), { what: 'SESSION_DELETED for the connection' });
      await refusal(peer, '{"type":"history"}', 'SESSION_DELETED');
      const late = await server.connect({ session });
      late.send({ type: 'connect' });
      await late.wait((frame) => isDeletion(frame), { what: 'SESSION_DELETED for a later connection' });
      const started = late.received.some(({ type }) => type === 'session_start');
      demand(!started, 'a later connection got `session_start`');
      demand((await listed(other.peer, session)) === undefined, 'the session is still in the list');
    },
  },
];
