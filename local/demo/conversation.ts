import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryEntry, ServerFrame } from '../../protocol/server-frames.ts';
import { type DemoConnection, DemoError, openDemoConnection } from './connection.ts';
import type { Printer } from './printer.ts';
import { brokenPromises, isEnd, isEvent, type SessionRecord } from './promises.ts';

const SESSION_ID = 'demo';
const OFFLINE_MS = 700;
const HISTORY_POLL_MS = 200;
const MAX_HISTORY_POLLS = 10;

const LONG = { id: 'm1', content: 'Please write 90 words about lighthouses.' };
const STEERING = { id: 'm2', content: 'By the way: what time is it?' };
const QUEUED = { id: 'm3', content: 'Thank you! Say hello when you are done.' };

export interface DemoOutcome extends SessionRecord {
  /** The number of events that the first connection missed and the second one received. */
  missed: number;
}

/** A steering conversation of a user: ask, steer, queue a message, lose the network, resume. */
export async function haveConversation(url: string, printer: Printer): Promise<DemoOutcome> {
  const frames: ServerFrame[] = [];
  const open = () =>
    openDemoConnection(`${url}?session_id=${SESSION_ID}`, {
      sent: (frame) => printer.sent(frame),
      received: (frame) => {
        frames.push(frame);
        printer.received(frame);
      },
    });

  printer.say('You connect, and ask for something that takes a while.');
  const first = await open();
  first.send({ type: 'connect', device_name: 'laptop' });
  const { lane } = await first.wait('session_start', ofType('session_start'));
  await first.wait('connected', ofType('connected'));
  first.send({ type: 'message', ...LONG });
  await chunks(first, 4);

  printer.say('While the answer streams, you think of something else: that steers the running turn.');
  first.send({ type: 'message', ...STEERING });
  await acceptedAs(first, STEERING.id, 'steering');
  await chunks(first, 8);

  printer.say('And something for afterwards: a turn of its own, once this one is done.');
  first.send({ type: 'message', ...QUEUED, delivery: 'queue' });
  await acceptedAs(first, QUEUED.id, 'queued');
  await chunks(first, 12);

  first.cut();
  const after = frames.findLast(isEvent)?.seq ?? 0;
  printer.say(
    `The network is gone, in mid-answer. The last event that you have is #${after}; the turn runs on.`,
  );
  await sleep(OFFLINE_MS);

  printer.say(
    `Back again: you resume after #${after}. What you missed is replayed, then the answer goes on live.`,
  );
  const second = await open();
  second.send({ type: 'connect', device_name: 'laptop', resume: { lane, after_seq: after } });
  await second.wait('connected', ofType('connected'));
  const missed = frames.filter(isEvent).filter(({ seq }) => seq > after).length;
  await second.wait('the end of the first turn', isEnd);

  await second.wait('the queued turn', ofType('turn_start'));
  printer.say('The queued message has its turn.');
  const ends = new Set<string>();
  await second.wait('the end of the queued turn', (frame) => {
    if (isEnd(frame)) ends.add(frame.turn_id);
    return ends.size === 2;
  });
  const failed = frames.find((frame) => isEnd(frame) && frame.type !== 'done');
  if (failed) throw new DemoError(`A turn did not come to its end: ${JSON.stringify(failed)}`);

  printer.say('What is stored:');
  const sent = [LONG, STEERING, QUEUED];
  const transcript = await readTranscript(second, { frames, sent });
  second.cut();
  checkPlaces(transcript);
  return { frames, sent, transcript, missed };
}

/** A turn's last entries are written right after its `done` is out: a poll that came too early is taken again. */
async function readTranscript(
  connection: DemoConnection,
  seen: Omit<SessionRecord, 'transcript'>,
): Promise<readonly HistoryEntry[]> {
  for (let poll = 1; ; poll++) {
    const from = connection.frames.length;
    connection.send({ type: 'history' });
    const { entries } = await connection.wait('history', ofType('history'), from);
    if (poll === MAX_HISTORY_POLLS || brokenPromises({ ...seen, transcript: entries }).length === 0)
      return entries;
    await sleep(HISTORY_POLL_MS);
  }
}

const ofType =
  <T extends ServerFrame['type']>(type: T) =>
  (frame: ServerFrame): frame is Extract<ServerFrame, { type: T }> =>
    frame.type === type;

async function chunks(connection: DemoConnection, count: number): Promise<void> {
  const received = () => new Set(connection.frames.filter(ofType('chunk')).map(({ seq }) => seq)).size;
  await connection.wait(`chunk ${count}`, () => received() >= count);
}

async function acceptedAs(connection: DemoConnection, id: string, placement: string): Promise<void> {
  const frame = await connection.wait(
    `the acknowledgement of ${id}`,
    (frame) => (frame.type === 'accepted' || frame.type === 'error') && 'id' in frame && frame.id === id,
  );
  if (frame.type !== 'accepted' || frame.placement !== placement) {
    throw new DemoError(`${id} should have been accepted as ${placement}, but: ${JSON.stringify(frame)}`);
  }
}

/** Checks that the steering message is in the turn that it steered, and the queued message in its own turn. */
function checkPlaces(entries: readonly HistoryEntry[]): void {
  const turnOf = (id: string) => entries.find((entry) => entry.role === 'user' && entry.id === id)?.turn_id;
  if (turnOf(STEERING.id) !== turnOf(LONG.id))
    throw new DemoError('The steering message has a turn of its own.');
  if (turnOf(QUEUED.id) === turnOf(LONG.id))
    throw new DemoError('The queued message has no turn of its own.');
}
