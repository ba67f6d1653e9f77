import type { FrameOf } from '../frames.ts';
import { ask, demandOneEntry, doneOf, newId, speakingTurn, steer, visit } from '../moves.ts';
import { brief, demand } from '../outcome.ts';
import { PARAGRAPH, SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

/** Checks that a repeat is acknowledged as a duplicate, with the turn and placement of the first acknowledgement. */
function demandRepeat(first: FrameOf<'accepted'>, again: FrameOf<'accepted'>): void {
  demand(again.duplicate, `the repeat was accepted as new: ${brief(again)}`);
  demand(
    again.turn_id === first.turn_id && again.placement === first.placement,
    `first it was ${brief(first)}, then ${brief(again)}`,
  );
}

export const IDEMPOTENCY: readonly Scenario[] = [
  {
    name: 'idempotency-in-mid-turn',
    promise: 'P10',
    points: ['6.7.1'],
    says: 'a repeat of pending steering gets the same acknowledgement, and is one entry',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { peer, turn } = running;
      const { id, ack } = await steer(running, SHORT);
      demandRepeat(ack, (await ask(peer, SHORT, { id })).ack);
      await doneOf(peer, turn);
      await demandOneEntry(peer, id);
    },
  },
  {
    name: 'idempotency-after-done',
    promise: 'P10',
    points: ['6.7.1'],
    says: 'a repeat after the message’s turn, and after the next turn, opens no other turn',
    async run(server) {
      const { peer, session } = await visit(server);
      const { id, ack } = await ask(peer, SHORT);
      await doneOf(peer, ack.turn_id);
      demandRepeat(ack, (await ask(peer, SHORT, { id })).ack);
      const next = await ask(peer, SHORT);
      await doneOf(peer, next.ack.turn_id);
      demandRepeat(ack, (await ask(peer, SHORT, { id })).ack);
      const other = await visit(server, session);
      demandRepeat(ack, (await ask(other.peer, SHORT, { id })).ack);
      await demandOneEntry(peer, id);
      const turns = peer.events.filter(({ type }) => type === 'turn_start').length;
      demand(turns === 2, `two messages opened ${turns} turns`);
    },
  },
  {
    name: 'idempotency-at-once',
    promise: 'P10',
    points: ['6.7.1'],
    says: 'the same message sent many times at once is one entry, with the same acknowledgements',
    async run(server) {
      const { peer } = await visit(server);
      const id = newId();
      const isAck = (frame: { type: string }): frame is FrameOf<'accepted'> => frame.type === 'accepted';
      for (let n = 0; n < 4; n++) peer.send({ type: 'message', id, content: SHORT });
      await peer.wait(() => peer.received.filter(isAck).length === 4, { what: '4 `accepted`' });
      const [first, ...others] = peer.received.filter(isAck);
      demand(first, 'nothing was accepted');
      const same = others.every((ack) => ack.turn_id === first.turn_id && ack.placement === first.placement);
      demand(same, `the acknowledgements differ: ${brief(peer.received.filter(isAck))}`);
      await doneOf(peer, first.turn_id);
      await demandOneEntry(peer, id);
    },
  },
  {
    name: 'idempotency-over-a-reconnect',
    promise: 'P10',
    points: ['6.7.1', '7.1.2'],
    says: 'a repeat over a new connection that continues the lane is the same message',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { id, ack } = await steer(running, SHORT);
      const { peer, session, start, turn } = running;
      const had = peer.lastSeq;
      await peer.cut();
      const back = await visit(server, session, { lane: start.lane, after_seq: had });
      demandRepeat(ack, (await ask(back.peer, SHORT, { id })).ack);
      await doneOf(back.peer, turn);
      await demandOneEntry(back.peer, id);
    },
  },
];
