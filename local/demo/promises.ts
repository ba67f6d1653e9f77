import type { EventFrame, HistoryEntry, ServerFrame } from '../../protocol/server-frames.ts';

/** The frames that clients of one session sent and received, and its stored transcript. */
export interface SessionRecord {
  /** Every frame received, over all connections of the session, in the order of arrival. */
  frames: readonly ServerFrame[];
  /** Messages that were accepted. */
  sent: readonly { id: string; content: string }[];
  /** The whole transcript, oldest first. */
  transcript: readonly HistoryEntry[];
}

/**
 * Checks the promises of a finished session: P1 and P10 (each message once), P3 (text), P5 (one turn at a time), P6
 * (order), P9 (no hole) and P13 (paired tools).
 * @returns one line for each broken promise, with its number
 */
export function brokenPromises(record: SessionRecord): string[] {
  const { events, broken } = inSequence(record.frames);
  return [
    ...broken,
    ...brokenTurns(events, record.transcript),
    ...brokenMessages(events, record),
    ...brokenTools(record.transcript),
  ];
}

export const isEvent = (frame: ServerFrame): frame is EventFrame => 'seq' in frame;

type End = Extract<EventFrame, { full_response: string | null }>;

/** Whether an event ends a turn. */
export const isEnd = (frame: ServerFrame): frame is End => isEvent(frame) && 'full_response' in frame;

/**
 * Sorts events by number and drops repetitions. Take-over and resume may repeat an event, but only unchanged (P9).
 */
function inSequence(frames: readonly ServerFrame[]): { events: EventFrame[]; broken: string[] } {
  const bySeq = new Map<number, EventFrame>();
  const broken: string[] = [];
  for (const frame of frames.filter(isEvent)) {
    const known = bySeq.get(frame.seq);
    if (known === undefined) bySeq.set(frame.seq, frame);
    else if (JSON.stringify(known) !== JSON.stringify(frame)) {
      broken.push(`P9: event ${frame.seq} came twice and was not the same`);
    }
  }
  const events = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  const hole = events.findIndex(({ seq }, index) => seq !== index + 1);
  if (hole >= 0) broken.push(`P9: event ${hole + 1} never came`);
  return { events, broken };
}

function brokenTurns(events: readonly EventFrame[], transcript: readonly HistoryEntry[]): string[] {
  const broken: string[] = [];
  for (const [turn, own] of Map.groupBy(events, ({ turn_id }) => turn_id)) {
    let text = '';
    for (const frame of own) {
      if (frame.type !== 'chunk') continue;
      if (frame.offset !== text.length)
        broken.push(`P3: chunk ${frame.seq} does not begin where the text ends`);
      text += frame.content;
    }
    const end = own.at(-1);
    if (end === undefined || !isEnd(end)) broken.push(`P5: turn ${turn} has no end`);
    else if (end.full_response !== null && end.full_response !== text) {
      broken.push(`P3: full_response of turn ${turn} is not the sum of its chunks`);
    }
    const stored = transcript.flatMap((entry) =>
      entry.role === 'assistant' && entry.turn_id === turn ? [entry.content] : [],
    );
    if (stored.join('') !== text)
      broken.push(`P3: the stored text of turn ${turn} is not the sum of its chunks`);
    const span = (own.at(-1)?.seq ?? 0) - (own[0]?.seq ?? 0) + 1;
    if (own[0]?.type !== 'turn_start' || span !== own.length) {
      broken.push(`P5: turn ${turn} overlaps with another one`);
    }
  }
  return broken;
}

function brokenMessages(events: readonly EventFrame[], { sent, transcript }: SessionRecord): string[] {
  const broken: string[] = [];
  const stored = transcript.flatMap((entry) => (entry.role === 'user' ? [entry] : []));
  for (const { id, content } of sent) {
    const same = stored.filter((entry) => entry.id === id);
    if (same.length !== 1) broken.push(`P1: message ${id} is in the transcript ${same.length} times`);
    else if (same[0]?.content !== content) broken.push(`P1: message ${id} was stored with another content`);
  }
  const strange = stored.filter((entry) => !sent.some(({ id }) => id === entry.id));
  for (const { id } of strange) broken.push(`P2: message ${id} is in the transcript, but was never accepted`);
  const applied = events.flatMap((frame) =>
    frame.type === 'applied' ? frame.messages.map(({ id }) => id) : [],
  );
  if (applied.join() !== stored.map(({ id }) => id).join()) {
    broken.push('P6: messages stand in the transcript in another order than they were taken in');
  }
  return broken;
}

function brokenTools(transcript: readonly HistoryEntry[]): string[] {
  const ids = (role: 'tool_call' | 'tool_result') =>
    transcript.flatMap((entry) => (entry.role === role ? [`${entry.turn_id}/${entry.id}`] : [])).sort();
  return ids('tool_call').join() === ids('tool_result').join()
    ? []
    : ['P13: calls and results of tools are not paired'];
}
