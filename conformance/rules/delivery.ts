import { isEnd, textOf } from '../frames.ts';
import { appliedIds, ask, demandLanded, doneOf, speakingTurn, steer, stop, visit } from '../moves.ts';
import { brief, demand } from '../outcome.ts';
import { ESSAY, PARAGRAPH, SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

export const DELIVERY: readonly Scenario[] = [
  {
    name: 'delivery-queue',
    promise: 'P5',
    points: ['5.1.3', '6.2.3', '6.5.1'],
    says: '`queue` messages get turns of their own, in order, after the turn in flight and its steering',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { peer, turn, id: first } = running;
      const one = await ask(peer, SHORT, { delivery: 'queue' });
      const two = await ask(peer, SHORT, { delivery: 'queue' });
      for (const asked of [one, two]) await demandLanded(running, asked, 'queued');
      demand(two.ack.position > one.ack.position, `positions ${one.ack.position}, then ${two.ack.position}`);
      const steering = await steer(running, SHORT);
      for (const wanted of [turn, one.ack.turn_id, two.ack.turn_id]) await doneOf(peer, wanted);
      const order = [first, steering.id, one.id, two.id];
      demand(appliedIds(peer).join() === order.join(), `the messages were applied as ${appliedIds(peer)}`);
    },
  },
  {
    name: 'delivery-queue-when-idle',
    promise: 'wire',
    points: ['6.2.3', '6.5.2'],
    says: '`queue` opens a turn at once when no turn is in flight',
    async run(server) {
      const { peer } = await visit(server);
      const { ack } = await ask(peer, SHORT, { delivery: 'queue' });
      demand(ack.placement === 'turn', `it was accepted as ${brief(ack)}`);
      await doneOf(peer, ack.turn_id);
    },
  },
  {
    name: 'delivery-now',
    promise: 'P3',
    points: ['5.2.2', '6.5.3'],
    says: '`now` cuts the running model call; the text that was sent stays, and the turn goes on',
    async run(server) {
      const running = await speakingTurn(server, ESSAY);
      const { peer, turn } = running;
      const { id } = await steer(running, SHORT, { delivery: 'now' });
      const applied = await peer.wait(
        (frame) => frame.type === 'applied' && frame.messages.some((message) => message.id === id),
        { what: '`applied` at once after `delivery: now`' },
      );
      const before = textOf(peer.received.slice(0, peer.received.indexOf(applied)));
      const { full_response } = await doneOf(peer, turn);
      demand(
        full_response === null || full_response.startsWith(before),
        'the text before the cut is not in the `full_response`',
      );
    },
  },
  {
    name: 'delivery-now-takes-along',
    promise: 'P6',
    points: ['6.5.4'],
    says: 'with a `now` message, steering that is pending already is applied, in order',
    async run(server) {
      const running = await speakingTurn(server, ESSAY);
      const waiting = await steer(running, SHORT);
      const urgent = await steer(running, SHORT, { delivery: 'now' });
      const { peer } = running;
      await peer.wait(() => appliedIds(peer).includes(urgent.id), { what: '`applied` at once' });
      const order = [running.id, waiting.id, urgent.id];
      demand(appliedIds(peer).join() === order.join(), `the messages were applied as ${appliedIds(peer)}`);
      if (!peer.received.some(isEnd)) await stop(running);
    },
  },
];
