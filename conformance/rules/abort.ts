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

/** The turn was stopped. @throws {Missed} when it had ended by itself before. */
async function abortedEnd(peer: Peer, turn: string) {
  const end = await endOf(peer, turn);
  if (end.type === 'done') {
    const isTooLate = (frame: ServerFrame) => frame.type === 'error' && frame.code === 'NO_ACTIVE_TURN';
    await peer.wait(isTooLate, { what: '`aborted`, or NO_ACTIVE_TURN after `done`,' });
    throw new Missed('the answer was over before the abort came in');
  }
  demand(end.type === 'aborted', `after \`abort\` the turn ended in ${brief(end)}`);
  return end;
}

export const ABORT: readonly Scenario[] = [
  {
    name: 'abort-keeps-what-was-said',
    promise: 'P3',
    points: ['5.2.1', '5.6.3'],
    says: 'an aborted answer is what was shown of it: in `full_response`, in the transcript, for good',
    async run(server) {
      const { peer, turn } = await speakingTurn(server, ESSAY);
      peer.send({ type: 'abort' });
      const { full_response } = await abortedEnd(peer, turn);
      const shown = shownText(peer, turn);
      demand(
        full_response === shown,
        `shown was ${brief(shown)}, \`full_response\` is ${brief(full_response)}`,
      );
      const stored = storedText(await transcript(peer), turn);
      demand(stored === shown, `shown was ${brief(shown)}, the transcript has ${brief(stored)}`);
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
    says: '`abort` of another turn is `NO_ACTIVE_TURN`, and the running one goes on',
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
    says: 'any connection of the session can stop its turn, and all see it',
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
    says: 'what waits when a turn is aborted becomes the next turn, unless told otherwise',
    async run(server) {
      const running = await speakingTurn(server, ESSAY);
      const { peer, turn } = running;
      const { id } = await steer(running, SHORT);
      peer.send({ type: 'abort' });
      await abortedEnd(peer, turn);
      const next = await peer.wait((frame) => frame.type === 'turn_start' && frame.turn_id !== turn, {
        what: 'the next `turn_start`',
      });
      demand(next.type === 'turn_start' && next.message_ids.includes(id), `what began is ${brief(next)}`);
      await doneOf(peer, next.turn_id);
      await demandOneEntry(peer, id);
    },
  },
  {
    name: 'abort-discard',
    promise: 'P1 P2',
    points: ['5.6.6'],
    says: 'with `pending: discard` what waits is answered `cancelled`, and is nowhere',
    async run(server) {
      const running = await speakingTurn(server, ESSAY);
      const { peer, turn } = running;
      const { id } = await steer(running, SHORT);
      peer.send({ type: 'abort', pending: 'discard' });
      await abortedEnd(peer, turn);
      await peer.wait((frame) => frame.type === 'cancelled' && frame.ids.includes(id), {
        what: '`cancelled` for what waited',
      });
      // A turn of its own would have begun by the end of the next one.
      const next = await ask(peer, SHORT);
      await doneOf(peer, next.ack.turn_id);
      await demandNoTrace(peer, id);
    },
  },
  {
    name: 'abort-while-tools-run',
    promise: 'P13',
    points: ['5.4.1'],
    says: 'an abort while a tool runs leaves every call with one result',
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
