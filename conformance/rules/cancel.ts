import { ask, demandNoTrace, doneOf, endOf, newId, speakingTurn, steer } from '../moves.ts';
import { Broken, brief, demand, Missed } from '../outcome.ts';
import type { Peer } from '../peer.ts';
import { PARAGRAPH, SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

/** Withdraws a message. @throws {Missed} when a turn had applied it before. */
async function withdraw(peer: Peer, id: string): Promise<void> {
  const from = peer.received.length;
  peer.send({ type: 'cancel', id });
  const answer = await peer.wait(
    (frame) =>
      (frame.type === 'cancelled' && frame.ids.includes(id)) || (frame.type === 'error' && !frame.terminal),
    { from, what: '`cancelled`' },
  );
  if (answer.type === 'cancelled') return;
  if (answer.type !== 'error' || answer.code !== 'NOT_PENDING')
    throw new Broken(`\`cancel\` was answered by ${brief(answer)}`);
  // Then a turn applied the message, and an event says so.
  await peer.wait(
    (frame) => frame.type === 'applied' && frame.messages.some((message) => message.id === id),
    { what: '`applied` after NOT_PENDING' },
  );
  throw new Missed('the message was applied before it could be withdrawn');
}

export const CANCEL: readonly Scenario[] = [
  {
    name: 'cancel-steering',
    promise: 'P1 P2',
    points: ['6.2.4', '6.8.1', '6.8.2'],
    says: 'pending steering can be withdrawn: it is answered `cancelled`, and is in no turn',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { id } = await steer(running, SHORT);
      await withdraw(running.peer, id);
      await doneOf(running.peer, running.turn);
      await demandNoTrace(running.peer, id);
    },
  },
  {
    name: 'cancel-queued',
    promise: 'P1 P2',
    points: ['6.2.4', '6.8.1', '6.8.2'],
    says: 'a message that waits for a turn of its own can be withdrawn, and that turn never begins',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { peer } = running;
      const { id, ack } = await ask(peer, SHORT, { delivery: 'queue' });
      const kept = await ask(peer, SHORT, { delivery: 'queue' });
      await withdraw(peer, id);
      await doneOf(peer, running.turn);
      await doneOf(peer, kept.ack.turn_id);
      const begun = peer.events.some((event) => event.turn_id === ack.turn_id);
      demand(!begun, 'the withdrawn message’s turn began');
      await demandNoTrace(peer, id);
    },
  },
  {
    name: 'cancel-again',
    promise: 'P10',
    points: ['6.7.2', '6.8.4'],
    says: 'a second `cancel`, and a repeat of the withdrawn message, get the same answer',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { peer, turn } = running;
      const id = newId();
      await steer(running, SHORT, { id });
      await withdraw(peer, id);
      await withdraw(peer, id);
      const from = peer.received.length;
      peer.send({ type: 'message', id, content: SHORT });
      const answer = await peer.wait(
        (frame) =>
          (frame.type === 'accepted' && frame.id === id) ||
          (frame.type === 'cancelled' && frame.ids.includes(id)) ||
          (frame.type === 'error' && !frame.terminal),
        { from },
      );
      demand(answer.type === 'cancelled', `a withdrawn message sent again is answered by ${brief(answer)}`);
      await endOf(peer, turn);
      await demandNoTrace(peer, id);
    },
  },
];
