import type { EventFrame } from '../../protocol/server-frames.ts';
import { isEnd } from '../frames.ts';
import { brief, demand, need } from '../outcome.ts';
import type { Watch } from '../rule.ts';
import type { Recording } from '../server.ts';

const watched = (recordings: readonly Recording[]): readonly Recording[] => {
  const withEvents = recordings.filter(({ peer }) => peer.events.length > 0);
  need(withEvents.length > 0, 'no connection received an event');
  return withEvents;
};

/** Events in the order of `seq`, each once. Only `always-seq` checks the order in which they arrived. */
function inOrder({ peer }: Recording): EventFrame[] {
  const bySeq = new Map(peer.events.map((event) => [event.seq, event]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** The turns of which this connection received every event from `turn_start` on. */
function wholeTurns(recording: Recording): EventFrame[][] {
  const turns = new Map<string, EventFrame[]>();
  for (const event of inOrder(recording)) {
    const turn = turns.get(event.turn_id);
    if (turn) turn.push(event);
    else turns.set(event.turn_id, [event]);
  }
  return [...turns.values()].filter(
    (turn) => turn[0]?.type === 'turn_start' && turn.every(({ seq }, i) => seq === (turn[0]?.seq ?? 0) + i),
  );
}

export const ALWAYS: readonly Watch[] = [
  {
    name: 'always-frames-valid',
    promise: 'wire',
    points: ['3.1.1', '3.1.2', '3.1.5', '11.1.1'],
    says: 'every frame has the fields that the protocol defines for it',
    judge(recordings) {
      need(
        recordings.some(({ peer }) => peer.received.length > 0),
        'nothing was received',
      );
      for (const { rule, peer } of recordings) {
        demand(peer.wrong.length === 0, `in ${rule}: ${peer.wrong[0]}`);
      }
    },
  },
  {
    name: 'always-frame-size',
    promise: 'wire',
    points: ['3.1.6'],
    says: 'no frame is larger than `limits.frame_bytes`',
    judge(recordings) {
      const started = recordings.flatMap(({ peer }) => {
        const start = peer.received.find((frame) => frame.type === 'session_start');
        return start ? [{ peer, limit: start.limits.frame_bytes }] : [];
      });
      need(started.length > 0, 'no connection received `session_start`');
      for (const { peer, limit } of started) {
        demand(peer.largest <= limit, `a frame has ${peer.largest} bytes, the limit is ${limit}`);
      }
    },
  },
  {
    name: 'always-seq',
    promise: 'P9',
    points: ['5.3.1', '5.3.4'],
    says: 'on every connection `seq` rises by one from event to event, without hole or repeat',
    judge(recordings) {
      for (const { rule, peer } of watched(recordings)) {
        const [first] = peer.events;
        const wrong = peer.events.findIndex(({ seq }, i) => seq !== (first?.seq ?? 0) + i);
        const around = peer.events.slice(Math.max(0, wrong - 1), wrong + 1).map(({ seq }) => seq);
        demand(wrong < 0, `in ${rule}: event ${around[0]} is followed by ${around[1]}`);
      }
    },
  },
  {
    name: 'always-offsets',
    promise: 'P3',
    points: ['5.2.3'],
    says: 'a chunk’s `offset` is the length of the turn’s text before it',
    judge(recordings) {
      for (const recording of watched(recordings)) {
        for (const turn of wholeTurns(recording)) {
          let length = 0;
          for (const event of turn) {
            if (event.type !== 'chunk') continue;
            const why = `in ${recording.rule}: a chunk after ${length} characters has the offset ${event.offset}`;
            demand(event.offset === length, why);
            length += event.content.length;
          }
        }
      }
    },
  },
  {
    name: 'always-full-response',
    promise: 'P3',
    points: ['5.2.1', '5.2.5'],
    says: 'however a turn ends, its `full_response` is its chunks put together',
    judge(recordings) {
      for (const recording of watched(recordings)) {
        for (const turn of wholeTurns(recording)) {
          const end = turn.find(isEnd);
          if (!end || end.full_response === null) continue;
          const text = turn.map((event) => (event.type === 'chunk' ? event.content : '')).join('');
          const why = `in ${recording.rule}: ${end.type} has ${brief(end.full_response)}, the chunks are ${brief(text)}`;
          demand(end.full_response === text, why);
        }
      }
    },
  },
  {
    name: 'always-nothing-after-the-end',
    promise: 'P3',
    points: ['5.1.2', '5.1.3'],
    says: 'a turn has no event after its end, and turns do not overlap',
    judge(recordings) {
      for (const recording of watched(recordings)) {
        const over = new Set<string>();
        let running: string | undefined;
        for (const event of inOrder(recording)) {
          demand(!over.has(event.turn_id), `in ${recording.rule}: after the turn’s end: ${brief(event)}`);
          const other = running !== undefined && running !== event.turn_id;
          demand(!other, `in ${recording.rule}: while turn ${running} ran: ${brief(event)}`);
          running = isEnd(event) ? undefined : event.turn_id;
          if (isEnd(event)) over.add(event.turn_id);
        }
      }
    },
  },
];
