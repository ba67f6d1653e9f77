import { isEnd, isEvent } from '../frames.ts';
import {
  acceptedFrom,
  appliedIds,
  ask,
  demandLanded,
  demandOneEntry,
  doneOf,
  endOf,
  newId,
  speakingTurn,
  steer,
  transcript,
  turnWithTool,
  userEntries,
  visit,
} from '../moves.ts';
import { brief, demand, meet } from '../outcome.ts';
import { PARAGRAPH, SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

export const STEERING: readonly Scenario[] = [
  {
    name: 'steering-taken-in',
    promise: 'P1 P6',
    points: ['6.2.2', '6.3.1', '6.3.2'],
    says: 'a message in mid-answer is accepted as steering and applied once, in the same turn',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { peer, turn } = running;
      const { id } = await steer(running, SHORT);
      await doneOf(peer, turn);
      const times = appliedIds(peer).filter((applied) => applied === id).length;
      demand(times === 1, `it was applied ${times} times`);
      const at = peer.events.findIndex((event) => event.type === 'applied' && hasId(event.messages, id));
      const applied = peer.events[at];
      demand(applied?.turn_id === turn, `turn ${applied?.turn_id} applied it, not ${turn}`);
      demand(
        applied.type === 'applied' && applied.step > 1,
        `it was applied at the first step: ${brief(applied)}`,
      );
      const after = peer.events
        .slice(at + 1)
        .some((event) => event.type === 'chunk' && event.turn_id === turn);
      demand(after, 'there is no chunk after it was applied');
      await demandOneEntry(peer, id);
    },
  },
  {
    name: 'steering-place',
    promise: 'P1 P3',
    points: ['5.2.1', '6.3.3'],
    says: 'in the transcript the message stands between the text before and after `applied`',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { peer, turn } = running;
      const { id } = await steer(running, SHORT);
      await doneOf(peer, turn);
      const cut = peer.events.findIndex((event) => event.type === 'applied' && hasId(event.messages, id));
      const shown = [peer.events.slice(0, cut), peer.events.slice(cut)].map((events) =>
        events.map((event) => (event.type === 'chunk' ? event.content : '')).join(''),
      );
      const entries = await transcript(peer);
      const place = entries.findIndex((entry) => entry.role === 'user' && entry.id === id);
      const stored = [entries.slice(0, place), entries.slice(place)].map((part) =>
        part.map((entry) => (entry.role === 'assistant' ? entry.content : '')).join(''),
      );
      demand(stored[0] === shown[0], `before it: stored ${brief(stored[0])}, streamed ${brief(shown[0])}`);
      demand(stored[1] === shown[1], `after it: stored ${brief(stored[1])}, streamed ${brief(shown[1])}`);
    },
  },
  {
    name: 'steering-order',
    promise: 'P6',
    points: ['6.6.1'],
    says: 'several messages are applied, and stored, in the order of `order`',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { peer, turn } = running;
      // The ids sort the other way round, so that only `order` gives this order.
      const ids = ['c', 'b', 'a'].map((letter) => `${letter}-${newId()}`);
      const from = peer.received.length;
      for (const [order, id] of ids.entries()) peer.send({ type: 'message', content: SHORT, id, order });
      for (const id of ids) {
        const ack = await acceptedFrom(peer, id, from);
        await demandLanded(running, { id, content: SHORT, ack }, 'steering');
      }
      await doneOf(peer, turn);
      const applied = appliedIds(peer).filter((id) => ids.includes(id));
      demand(applied.join() === ids.join(), `sent as ${ids}, applied as ${applied}`);
      const stored = userEntries(await transcript(peer)).flatMap(({ id }) => (ids.includes(id) ? [id] : []));
      demand(stored.join() === ids.join(), `sent as ${ids}, stored as ${stored}`);
    },
  },
  {
    name: 'steering-after-tools',
    promise: 'P6 P13',
    points: ['6.3.2'],
    says: 'a message sent while tools run is applied after their results, before any other text',
    async run(server) {
      const running = await turnWithTool(server, 2);
      const { peer, turn } = running;
      const { id, ack } = await steer(running, SHORT);
      const answered = peer.received
        .slice(0, peer.received.indexOf(ack))
        .some(({ type }) => type === 'tool_result');
      meet(!answered, 'the tool was over before the message was accepted');
      await doneOf(peer, turn);
      const { events } = peer;
      const at = events.findIndex((event) => event.type === 'applied' && hasId(event.messages, id));
      demand(at >= 0, 'it was never applied');
      const results = events.findIndex(({ type }) => type === 'tool_result');
      demand(results >= 0 && results < at, 'it was applied before the results of the running tools');
      const said = events.slice(results, at).find(({ type }) => type === 'chunk' || type === 'tool_call');
      demand(said === undefined, `between the results and \`applied\` was ${brief(said)}`);
    },
  },
  {
    name: 'steering-last-moment',
    promise: 'P7',
    points: ['6.2.2', '6.3.4'],
    says: 'a message sent as the answer ends is answered: in this turn, or in one of its own',
    async run(server) {
      const { peer } = await visit(server);
      const first = await ask(peer, SHORT);
      await doneOf(peer, first.ack.turn_id);
      for (let round = 0; round < 2; round++) {
        const { ack } = await ask(peer, SHORT);
        const said = await peer.wait(
          (frame) =>
            isEvent(frame) && frame.turn_id === ack.turn_id && (frame.type === 'tool_result' || isEnd(frame)),
        );
        // The first round sends at a tool's result or at the end, the second round after the end.
        if (round === 1 && !isEnd(said)) await endOf(peer, ack.turn_id);
        const late = await ask(peer, SHORT);
        await doneOf(peer, late.ack.turn_id);
        demand(appliedIds(peer).includes(late.id), 'it was accepted, and no turn applied it');
        await demandOneEntry(peer, late.id);
      }
    },
  },
  {
    name: 'steering-own-lane',
    promise: 'P5',
    points: ['5.1.3', '6.4.1', '6.4.2'],
    says: 'a message of another connection gets a turn of its own, after the running turn',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const other = await visit(server, running.session);
      const { id, ack } = await ask(other.peer, SHORT);
      if (ack.turn_id === running.turn) {
        // With `steer_scope: session` any connection steers the running turn (6.4.2).
        demand(ack.placement === 'steering', `it was accepted as ${brief(ack)}`);
        await doneOf(other.peer, running.turn);
        await demandOneEntry(other.peer, id);
        return;
      }
      await doneOf(other.peer, ack.turn_id);
      const begun = other.peer.events.find(
        (event) => event.type === 'turn_start' && event.turn_id === ack.turn_id,
      );
      const ended = other.peer.events.find((event) => isEnd(event) && event.turn_id === running.turn);
      demand(begun && ended && begun.seq > ended.seq, 'two turns of a session overlapped');
      await demandOneEntry(other.peer, id);
    },
  },
];

const hasId = (messages: readonly { id: string }[], id: string) =>
  messages.some((message) => message.id === id);
