import { isEvent } from '../frames.ts';
import { ask, doneOf, endOf, shownText, transcript, turnWithTool, visit } from '../moves.ts';
import { brief, demand, need } from '../outcome.ts';
import { SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

export const ORDER: readonly Scenario[] = [
  {
    name: 'order-of-a-turn',
    promise: 'P6',
    points: ['5.1.1', '6.1.1', '6.2.1'],
    says: 'a turn is `turn_start`, `applied` with its message, other events, then one end',
    async run(server) {
      const { peer } = await visit(server);
      const { id, content, ack } = await ask(peer, SHORT);
      demand(ack.placement === 'turn', `the first message was accepted as ${brief(ack)}`);
      demand(ack.id === id, `the acknowledgement names ${ack.id}`);
      await doneOf(peer, ack.turn_id);
      const [start, applied, ...rest] = peer.events;
      demand(start?.type === 'turn_start', `the turn began with ${brief(start)}`);
      demand(start.turn_id === ack.turn_id, `turn ${ack.turn_id} was accepted, ${start.turn_id} began`);
      demand(start.message_ids.join() === id, `\`turn_start\` names ${start.message_ids}`);
      demand(applied?.type === 'applied', `the second event was ${brief(applied)}`);
      const [message] = applied.messages;
      demand(
        applied.messages.length === 1 && message?.id === id && message.content === content,
        `\`applied\` has ${brief(applied.messages)}`,
      );
      demand(applied.step === 1, `the first \`applied\` has the step ${applied.step}`);
      const ends = rest.filter(({ type }) => type === 'done' || type === 'aborted' || type === 'error');
      demand(ends.length === 1 && ends[0] === rest.at(-1), `the turn has ${ends.length} ends`);
    },
  },
  {
    name: 'order-seq',
    promise: 'P9',
    points: ['5.3.1'],
    says: '`seq` counts the events of a session from 1, by one, over its turns',
    async run(server) {
      const { peer } = await visit(server);
      for (let n = 0; n < 2; n++) await doneOf(peer, (await ask(peer, SHORT)).ack.turn_id);
      const wrong = peer.events.findIndex(({ seq }, i) => seq !== i + 1);
      demand(wrong < 0, `event ${wrong + 1} has the seq ${peer.events[wrong]?.seq}`);
    },
  },
  {
    name: 'order-full-response',
    promise: 'P3',
    points: ['5.2.1'],
    says: 'the chunks of a turn equal its `full_response` and its text in the transcript',
    async run(server) {
      const { peer } = await visit(server);
      const { ack } = await ask(peer, SHORT);
      const { full_response } = await doneOf(peer, ack.turn_id);
      const text = shownText(peer, ack.turn_id);
      if (full_response !== null) {
        demand(
          full_response === text,
          `\`full_response\` is ${brief(full_response)}, the chunks ${brief(text)}`,
        );
      }
      const stored = (await transcript(peer)).flatMap((entry) =>
        entry.role === 'assistant' ? [entry.content] : [],
      );
      demand(stored.join('') === text, `the transcript has ${brief(stored.join(''))}, not ${brief(text)}`);
    },
  },
  {
    name: 'order-tool-pairs',
    promise: 'P13',
    points: ['5.4.1', '5.4.2'],
    says: 'each tool call has one result, after it and before the turn’s end',
    async run(server) {
      const { peer, turn } = await turnWithTool(server, 1);
      await endOf(peer, turn);
      const events = peer.events.filter(({ turn_id }) => turn_id === turn);
      const called = events.flatMap((event) => (event.type === 'tool_call' ? [event.id] : []));
      const answered = events.flatMap((event) => (event.type === 'tool_result' ? [event.id] : []));
      demand(new Set(called).size === called.length, `two calls have the same id: ${called}`);
      demand(
        called.toSorted().join() === answered.toSorted().join(),
        `called ${called}, answered ${answered}`,
      );
      const early = answered.find(
        (id) =>
          events.findIndex((event) => event.type === 'tool_result' && event.id === id) <
          events.findIndex((event) => event.type === 'tool_call' && event.id === id),
      );
      demand(early === undefined, `the result of ${early} was sent before its call`);
    },
  },
  {
    name: 'order-every-listener',
    promise: 'P9',
    points: ['3.2.2', '5.3.3'],
    says: 'all connections of a session get the same events in the same order',
    async run(server) {
      const { peer, session } = await visit(server);
      const other = await visit(server, session);
      const { ack } = await ask(peer, SHORT);
      await Promise.all([doneOf(peer, ack.turn_id), doneOf(other.peer, ack.turn_id)]);
      const [mine, theirs] = [peer, other.peer].map(({ received }) => received.filter(isEvent));
      need(mine && theirs, 'there were no events');
      demand(JSON.stringify(mine) === JSON.stringify(theirs), 'the two connections got different events');
    },
  },
];
