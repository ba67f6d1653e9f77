import type { ServerFrame } from '../../protocol/server-frames.ts';
import { isEvent } from '../frames.ts';
import {
  ask,
  demandNoTrace,
  demandOneEntry,
  doneOf,
  endOf,
  refusal,
  shownText,
  speakingTurn,
  steer,
  storedText,
  transcript,
  turnWithTool,
  visit,
} from '../moves.ts';
import { brief, demand, Missed } from '../outcome.ts';
import type { Peer } from '../peer.ts';
import { ESSAY, PARAGRAPH, SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

/** The turn's `aborted`. @throws {Missed} when the turn had ended before. */
async function abortedEnd(peer: Peer, turn: string) {
  const end = await endOf(peer, turn);
  if (end.type === 'done') {
    const isTooLate = (frame: ServerFrame) => frame.type === 'error' && frame.code === 'NO_ACTIVE_TURN';
    await peer.wait(isTooLate, { what: '`aborted`, or NO_ACTIVE_TURN after `done`,' });
    throw new Missed('the answer was over before the server received the abort');
  }
  demand(end.type === 'aborted', `after \`abort\` the turn ended in ${brief(end)}`);
  return end;
}

export const ABORT: readonly Scenario[] = [
  {
    name: 'abort-keeps-what-was-said',
    promise: 'P3',
    points: ['5.2.1', '5.6.3'],
    says: 'an aborted answer keeps the text that was sent: in `full_response` and in the transcript',
    async run(server) {
      const { peer, turn } = await speakingTurn(server, ESSAY);
      peer.send({ type: 'abort' });
      const { full_response } = await abortedEnd(peer, turn);
      const shown = shownText(peer, turn);
      demand(
        full_response === shown,
        `the chunks are ${brief(shown)}, \`full_response\` is ${brief(full_response)}`,
      );
      const stored = storedText(await transcript(peer), turn);
      demand(stored === shown, `the chunks are ${brief(shown)}, the transcript has ${brief(stored)}`);
      const next = await ask(peer, SHORT);
      await doneOf(peer, next.ack.turn_id);
      const later = storedText(await transcript(peer), turn);
      demand(later === shown, `after the next turn the transcript has ${brief(later)}`);
    },
  },
  {
    name: 'abort-names-its-turn',
    promise: 'P14',
    points: ['5.6.4'],
    says: '`abort` of another turn is answered `NO_ACTIVE_TURN`, and the running turn goes on',
    async run(server) {
      const { peer, turn } = await speakingTurn(server, PARAGRAPH);
      await refusal(peer, JSON.stringify({ type: 'abort', turn_id: 'another' }), 'NO_ACTIVE_TURN');
      await doneOf(peer, turn);
    },
  },
  {
    name: 'abort-from-any-connection',
    promise: 'P14',
    points: ['5.6.1'],
    says: 'any connection of the session can abort its turn, and all get `aborted`',
    async run(server) {
      const { peer, session, turn } = await speakingTurn(server, ESSAY);
      const other = await visit(server, session);
      other.peer.send({ type: 'abort', turn_id: turn });
      await abortedEnd(other.peer, turn);
      await abortedEnd(peer, turn);
    },
  },
  {
    name: 'abort-keep',
    promise: 'P1',
    points: ['5.6.5'],
    says: 'after `abort`, by default, the messages in the inbox become the next turn',
    async run(server) {
      const running = await speakingTurn(server, ESSAY);
      const { peer, turn } = running;
      const { id } = await steer(running, SHORT);
      peer.send({ type: 'abort' });
      await abortedEnd(peer, turn);
      const next = await peer.wait((frame) => frame.type === 'turn_start' && frame.turn_id !== turn, {
        what: 'the next `turn_start`',
      });
      demand(
        next.type === 'turn_start' && next.message_ids.includes(id),
        `the next turn began with ${brief(next)}`,
      );
      await doneOf(peer, next.turn_id);
      await demandOneEntry(peer, id);
    },
  },
  {
    name: 'abort-discard',
    promise: 'P1 P2',
    points: ['5.6.6'],
    says: 'with `pending: discard` pending messages are answered `cancelled`, and are in no turn',
    async run(server) {
      const running = await speakingTurn(server, ESSAY);
      const { peer, turn } = running;
      const { id } = await steer(running, SHORT);
      peer.send({ type: 'abort', pending: 'discard' });
      await abortedEnd(peer, turn);
      await peer.wait((frame) => frame.type === 'cancelled' && frame.ids.includes(id), {
        what: '`cancelled` for the pending message',
      });
      // If the message still had a turn, that turn would begin before this one ends.
      const next = await ask(peer, SHORT);
      await doneOf(peer, next.ack.turn_id);
      await demandNoTrace(peer, id);
    },
  },
  {
    name: 'abort-while-tools-run',
    promise: 'P13',
    points: ['5.4.1'],
    says: 'after an abort while a tool runs, every call has one result',
    async run(server) {
      const { peer, turn } = await turnWithTool(server, 6);
      peer.send({ type: 'abort' });
      await abortedEnd(peer, turn);
      const ids = (type: 'tool_call' | 'tool_result') =>
        peer.received
          .flatMap((frame) => (isEvent(frame) && frame.type === type ? [frame.id] : []))
          .toSorted();
      const [called, answered] = [ids('tool_call'), ids('tool_result')];
      demand(called.join() === answered.join(), `called ${called}, answered ${answered}`);
    },
  },
];
