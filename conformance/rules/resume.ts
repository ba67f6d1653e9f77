import type { EventFrame } from '../../protocol/server-frames.ts';
import { isEnd } from '../frames.ts';
import { ask, doneOf, endOf, shownText, speakingTurn, steer, stop, visit } from '../moves.ts';
import { brief, demand, meet, need } from '../outcome.ts';
import type { Peer } from '../peer.ts';
import { ESSAY, PARAGRAPH, SHORT, waits } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

/** Checks that the connection received exactly the events from `from` to `to`, once and in order. */
function demandEvents(peer: Peer, from: number, to: number): void {
  const seen = peer.events.map(({ seq }) => seq);
  const wrong = seen.findIndex((seq, i) => seq !== from + i);
  const due = `events ${from} to ${to} are due`;
  demand(wrong < 0, `${due}: ${seen[wrong]} arrived in place of ${from + wrong}`);
  demand(seen.length === Math.max(0, to - from + 1), `${due}: ${seen.length} arrived, up to ${seen.at(-1)}`);
}

/** Checks that events with the same `seq` are equal: an event never changes. */
function demandSame(one: readonly EventFrame[], other: readonly EventFrame[]): void {
  const bySeq = new Map(one.map((event) => [event.seq, JSON.stringify(event)]));
  for (const event of other) {
    const before = bySeq.get(event.seq);
    demand(
      before === undefined || before === JSON.stringify(event),
      `event ${event.seq} was ${before} and is now ${JSON.stringify(event)}`,
    );
  }
}

/** From how many places of a finished turn the rule resumes. */
const PLACES = 8;
/** Connections that resume while the answer streams, and how many events each of them has missed. */
const JOINERS = 4;
const MISSED = 10;

export const RESUME: readonly Scenario[] = [
  {
    name: 'resume-mid-answer',
    promise: 'P9 P14',
    points: ['5.2.1', '5.3.3', '7.1.4'],
    says: 'after a cut in mid-answer, each later event arrives once and in order, up to the end',
    async run(server) {
      const { peer, session, start, turn } = await speakingTurn(server, PARAGRAPH);
      const had = peer.lastSeq;
      await peer.cut();
      const back = await visit(server, session, { lane: start.lane, after_seq: had });
      const done = await doneOf(back.peer, turn);
      demandEvents(back.peer, had + 1, done.seq);
      demandSame(peer.events, back.peer.events);
      const text = shownText(peer, turn) + shownText(back.peer, turn);
      demand(done.full_response === text, 'the text of both connections is not the `full_response`');
    },
  },
  {
    name: 'resume-lane-steers',
    promise: 'P9',
    points: ['7.1.2'],
    says: 'a connection that continues the lane steers the running turn',
    async run(server) {
      const { peer, session, start, turn, ...asked } = await speakingTurn(server, ESSAY);
      const had = peer.lastSeq;
      await peer.cut();
      const back = await visit(server, session, { lane: start.lane, after_seq: had });
      demand(back.start.lane === start.lane, 'the old lane was not continued');
      await steer({ ...asked, ...back, turn }, SHORT);
      await stop({ ...asked, ...back, turn });
    },
  },
  {
    name: 'resume-before-first-token',
    promise: 'P9',
    points: ['7.1.4'],
    says: 'after a cut before the first chunk, a resume gets the turn from its beginning',
    async run(server) {
      const { peer, session, start } = await visit(server);
      const { ack } = await ask(peer, SHORT);
      await peer.cut();
      const back = await visit(server, session, { lane: start.lane, after_seq: 0 });
      const done = await doneOf(back.peer, ack.turn_id);
      demandEvents(back.peer, 1, done.seq);
      demand(done.full_response === shownText(back.peer, ack.turn_id), 'the chunks are not the whole text');
    },
  },
  {
    name: 'resume-after-done',
    promise: 'P9',
    points: ['5.3.3', '7.1.4'],
    says: 'a resume from any `seq` of a finished turn gets exactly the later events, unchanged',
    async run(server) {
      const { peer, session } = await visit(server);
      const { ack } = await ask(peer, SHORT);
      const { seq: last } = await doneOf(peer, ack.turn_id);
      const every = Math.max(1, Math.floor(last / PLACES));
      const places = Array.from({ length: Math.floor(last / every) + 1 }, (_, i) => i * every);
      for (const after of new Set([...places, last])) {
        const back = await visit(server, session, { after_seq: after });
        demandEvents(back.peer, after + 1, last);
        demandSame(peer.events, back.peer.events);
        demand(!back.start.active_turn, `\`active_turn\` is the finished turn: ${brief(back.start)}`);
        const gap = back.peer.received.find(({ type }) => type === 'history_gap');
        demand(!gap, `events that are stored are reported as expired: ${brief(gap)}`);
        await back.peer.close();
      }
    },
  },
  {
    name: 'resume-without-memory',
    promise: 'P9',
    points: ['7.2.1'],
    says: 'with the session id alone, a client gets the whole running turn by `active_turn.first_seq`',
    async run(server) {
      const first = await visit(server);
      await doneOf(first.peer, (await ask(first.peer, SHORT)).ack.turn_id);
      const { peer, session, turn } = await speakingTurn(server, PARAGRAPH, first);
      const begun = peer.events.find((event) => event.turn_id === turn)?.seq ?? 0;
      await peer.cut();
      const back = await visit(server, session);
      const { active_turn, last_seq } = back.start;
      const whole = await visit(server, session, { after_seq: begun - 1 });
      const done = await doneOf(whole.peer, turn);
      meet(active_turn || done.seq > last_seq, 'the answer was over before the reload');
      demand(active_turn?.turn_id === turn, `\`active_turn\` is ${brief(active_turn)}`);
      demand(active_turn.first_seq === begun, `the turn began with event ${begun}: ${brief(active_turn)}`);
      demandEvents(whole.peer, begun, done.seq);
      demand(done.full_response === shownText(whole.peer, turn), 'the chunks are not the whole text');
    },
  },
  {
    name: 'resume-while-streaming',
    promise: 'P9',
    points: ['5.3.3', '7.1.4'],
    says: 'a resume while the answer streams gets each event once: the replay, then live events',
    async run(server) {
      const running = await speakingTurn(server, ESSAY);
      const joiners = [];
      for (let n = 0; n < JOINERS; n++) {
        const had = running.peer.lastSeq;
        // Any two joiners are at least one chunk apart.
        const next = await running.peer.wait(
          (frame) => (frame.type === 'chunk' && frame.seq > had) || isEnd(frame),
          { what: 'a `chunk` or the end' },
        );
        meet(next.type === 'chunk', 'the answer was over before all connections were open');
        const after = Math.max(0, had - MISSED);
        joiners.push({ after, ...(await visit(server, running.session, { after_seq: after })) });
      }
      const end = await stop(running);
      for (const { peer, after } of joiners) {
        await endOf(peer, running.turn);
        demandEvents(peer, after + 1, end.seq);
        demandSame(running.peer.events, peer.events);
      }
    },
  },
  {
    name: 'resume-again-and-again',
    promise: 'P9 P14',
    points: ['7.1.4'],
    says: 'a client that is cut off again and again misses no event and gets none twice',
    async run(server) {
      const { peer, session, start, turn } = await speakingTurn(server, PARAGRAPH);
      const seen = [...peer.events];
      await peer.cut();
      for (let n = 0; n < 30; n++) {
        const had = seen.length;
        const back = await visit(server, session, { lane: start.lane, after_seq: had });
        await back.peer.wait((frame) => 'seq' in frame && (frame.seq > had + 1 || isEnd(frame)));
        demandEvents(back.peer, had + 1, back.peer.lastSeq);
        seen.push(...back.peer.events);
        await back.peer.cut();
        if (seen.some(isEnd)) break;
      }
      const end = seen.find((event) => isEnd(event) && event.turn_id === turn);
      need(end, 'the answer lasted longer than the kit kept reconnecting');
      demand(end.type === 'done', `the turn ended in ${brief(end)}`);
    },
  },
  {
    name: 'resume-disconnect-is-no-cancel',
    promise: 'P14',
    points: ['5.6.2'],
    says: 'a turn whose only client disconnects runs on and is answered',
    async run(server) {
      const { peer, session } = await visit(server);
      const { ack } = await ask(peer, waits(1));
      await peer.wait('turn_start');
      await peer.close();
      const back = await visit(server, session, { after_seq: 0 });
      await doneOf(back.peer, ack.turn_id);
    },
  },
  {
    name: 'resume-foreign-lane',
    promise: 'P12',
    points: ['7.1.3'],
    says: 'a lane that is unknown, or of another session, is not continued',
    async run(server) {
      const other = await visit(server);
      for (const lane of [other.start.lane, 'unknown']) {
        const { start } = await visit(server, server.newSession(), { lane, after_seq: 0 });
        demand(start.lane !== lane, `the connection got the lane ${lane}`);
      }
    },
  },
];
