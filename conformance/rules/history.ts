import { isDeepStrictEqual } from 'node:util';
import type { HistoryEntry } from '../../protocol/server-frames.ts';
import { ask, doneOf, historyPage, transcript, visit } from '../moves.ts';
import { brief, demand, need } from '../outcome.ts';
import { SHORT } from '../prompts.ts';
import type { Scenario } from '../rule.ts';
import type { Server } from '../server.ts';

/** A session with two finished turns. */
async function twoTurns(server: Server) {
  const { peer } = await visit(server);
  const asked = [];
  for (let n = 0; n < 2; n++) {
    const one = await ask(peer, SHORT);
    await doneOf(peer, one.ack.turn_id);
    asked.push(one);
  }
  return { peer, asked };
}

const numbers = (entries: readonly HistoryEntry[]) => entries.map(({ n }) => n);

export const HISTORY: readonly Scenario[] = [
  {
    name: 'history-whole',
    promise: 'P1',
    points: ['6.1.1', '8.1.1', '8.1.2'],
    says: 'right after `done`, `history` has the whole turn; entries count from 1, oldest first',
    async run(server) {
      const { peer, asked } = await twoTurns(server);
      const entries = await transcript(peer);
      const wrong = entries.findIndex(({ n }, i) => n !== i + 1);
      demand(wrong < 0, `entry ${wrong + 1} has the number ${entries[wrong]?.n}`);
      const users = entries.flatMap((entry) => (entry.role === 'user' ? [entry] : []));
      demand(users.map(({ id }) => id).join() === asked.map(({ id }) => id).join(), 'messages are missing');
      const altered = users.find(({ content }, i) => content !== asked[i]?.content);
      demand(!altered, `a message was stored as ${brief(altered)}`);
      const misplaced = users.find(({ turn_id }, i) => turn_id !== asked[i]?.ack.turn_id);
      demand(!misplaced, `a message is stored with another turn: ${brief(misplaced)}`);
    },
  },
  {
    name: 'history-ends',
    promise: 'P3',
    points: ['8.1.3'],
    says: 'the entries of a turn end with its end, as it was sent, without the text',
    async run(server) {
      const { peer, asked } = await twoTurns(server);
      const entries = await transcript(peer);
      for (const { ack } of asked) {
        const sent = await doneOf(peer, ack.turn_id);
        const last = entries.findLast(({ turn_id }) => turn_id === ack.turn_id);
        const told = { ...sent, full_response: null, full_response_omitted: true };
        demand(
          last?.role === 'event' && isDeepStrictEqual(last.event, told),
          `turn ${ack.turn_id} ends with ${brief(last)}`,
        );
      }
    },
  },
  {
    name: 'history-parts',
    promise: 'P1',
    points: ['6.1.1'],
    says: 'a message of several parts is in `applied` and in the transcript as it was sent',
    async run(server) {
      const { peer } = await visit(server);
      const content = [' first \n', 'second'].map((text) => ({ type: 'text' as const, text }));
      const { ack, id } = await ask(peer, content);
      await doneOf(peer, ack.turn_id);
      const applied = await peer.wait('applied');
      const [entry] = await transcript(peer);
      demand(
        isDeepStrictEqual(applied.messages, [{ id, content }]),
        `\`applied\` has the messages ${brief(applied.messages)}`,
      );
      demand(
        entry?.role === 'user' && isDeepStrictEqual(entry.content, content),
        `the transcript begins with ${brief(entry)}`,
      );
    },
  },
  {
    name: 'history-pages',
    promise: 'wire',
    points: ['8.2.1', '8.2.2'],
    says: 'pages go back from the newest by `next`, without gap or overlap, with `limit` entries at most',
    async run(server) {
      const { peer } = await twoTurns(server);
      const whole = await transcript(peer);
      need(whole.length >= 3, 'the transcript is too short for pages');
      const newest = await historyPage(peer, { limit: 2 });
      demand(newest.entries.length <= 2, `a page of 2 has ${newest.entries.length} entries`);
      demand(
        numbers(newest.entries).at(-1) === whole.length,
        `the newest page ends with ${brief(numbers(newest.entries))}`,
      );
      const paged = await transcript(peer, 2);
      demand(JSON.stringify(paged) === JSON.stringify(whole), `the pages are ${brief(numbers(paged))}`);
    },
  },
  {
    name: 'history-merged',
    promise: 'wire',
    points: ['8.2.3'],
    says: '`merged` gives the user’s messages, and the text of each turn, without tools',
    async run(server) {
      const { peer, asked } = await twoTurns(server);
      const { entries } = await historyPage(peer, { merged: true });
      const tools = entries.find(({ role }) => role !== 'user' && role !== 'assistant');
      demand(!tools, `a merged page has ${brief(tools)}`);
      for (const { id, ack } of asked) {
        const done = await doneOf(peer, ack.turn_id);
        const ofTurn = entries.filter(({ turn_id }) => turn_id === ack.turn_id);
        const users = ofTurn.flatMap((entry) => (entry.role === 'user' ? [entry.id] : []));
        demand(users.join() === id, `of turn ${ack.turn_id} it has the messages ${users}`);
        const text = ofTurn.map((entry) => (entry.role === 'assistant' ? entry.content : '')).join('');
        demand(
          done.full_response === null || text === done.full_response,
          `its text is ${brief(text)}, not ${brief(done.full_response)}`,
        );
      }
    },
  },
  {
    name: 'history-empty',
    promise: 'wire',
    points: ['8.2.2'],
    says: 'the history of a new session is empty and has no `next`',
    async run(server) {
      const { peer } = await visit(server);
      const page = await historyPage(peer, {});
      demand(page.entries.length === 0 && page.next === undefined, `it is ${brief(page)}`);
    },
  },
];
