import { randomUUID } from 'node:crypto';
import type { MessageFrame } from '../protocol/client-frames.ts';
import type { Content } from '../protocol/content.ts';
import type { HistoryEntry, ServerFrame, SessionStart } from '../protocol/server-frames.ts';
import { type EndFrame, type ErrorReply, type FrameOf, isEnd, isEvent, isRefusal, textOf } from './frames.ts';
import { Broken, brief, demand, Missed, Skipped } from './outcome.ts';
import type { Peer } from './peer.ts';
import { waits } from './prompts.ts';
import type { Server } from './server.ts';

/** Steps that rules are made of. Each waits for what the protocol demands, and fails with what was received instead. */

export interface Visit {
  peer: Peer;
  session: string;
  start: SessionStart;
}

/** Connects and sends `connect`, to a new session unless one is given. Resolves after `connected`. */
export async function visit(
  server: Server,
  session = server.newSession(),
  resume?: { lane?: string; after_seq?: number },
): Promise<Visit> {
  const peer = await server.connect({ session });
  peer.send({ type: 'connect', ...(resume && { resume }) });
  await peer.wait('connected');
  return { peer, session, start: await peer.wait('session_start') };
}

export const newId = (): string => randomUUID();

export interface Ask<C extends Content = string> {
  id: string;
  content: C;
  ack: FrameOf<'accepted'>;
}

/** Sends a message and waits until it is accepted. @throws {Broken} when it is refused. */
export async function ask<C extends Content>(
  peer: Peer,
  content: C,
  extra: Partial<MessageFrame> = {},
): Promise<Ask<C>> {
  const id = extra.id ?? newId();
  const from = peer.received.length;
  peer.send({ type: 'message', content, ...extra, id });
  const ack = await acceptedFrom(peer, id, from);
  return { id, content, ack };
}

/** The `accepted` for this id among the frames from this position on. */
export async function acceptedFrom(peer: Peer, id: string, from = 0): Promise<FrameOf<'accepted'>> {
  const answer = await peer.wait(
    (frame): frame is FrameOf<'accepted'> | ErrorReply =>
      (frame.type === 'accepted' || isRefusal(frame)) && frame.id === id,
    { from, what: `\`accepted\` for ${id}` },
  );
  if (answer.type === 'error') throw new Broken(`the message was refused: ${brief(answer)}`);
  return answer;
}

/** Sends a text as it is and waits for the error that answers it. @throws {Broken} when the code is another. */
export async function refusal(peer: Peer, text: string, code: ErrorReply['code']): Promise<ErrorReply> {
  const from = peer.received.length;
  peer.sendText(text);
  const answer = await peer.wait(isRefusal, { from, what: `\`error\` ${code} for ${text.slice(0, 60)}` });
  demand(answer.code === code, `${text.slice(0, 60)} was answered by ${answer.code}, not ${code}`);
  return answer;
}

/** Checks that the connection is open and answers. */
export async function answersPing(peer: Peer): Promise<void> {
  const nonce = newId();
  peer.send({ type: 'ping', nonce });
  await peer.wait((frame) => frame.type === 'pong' && frame.nonce === nonce, { what: '`pong`' });
}

export const endOf = (peer: Peer, turn: string): Promise<EndFrame> =>
  peer.wait((frame): frame is EndFrame => isEnd(frame) && frame.turn_id === turn, {
    what: `the end of turn ${turn}`,
  });

/** The turn's `done`. @throws {Skipped} when the turn failed, which is not a fault of the protocol. */
export async function doneOf(peer: Peer, turn: string): Promise<FrameOf<'done'>> {
  const end = await endOf(peer, turn);
  if (end.type === 'error') throw new Skipped(`the turn failed: ${end.code} ${end.message}`);
  demand(end.type === 'done', `the turn ended in ${brief(end)}, not in \`done\``);
  return end;
}

export interface Turn extends Visit, Ask {
  turn: string;
}

/** Starts a turn and waits for its first chunk. @throws {Skipped} when the turn ended before. */
export async function speakingTurn(server: Server, content: string, visited?: Visit): Promise<Turn> {
  const at = visited ?? (await visit(server));
  const asked = await ask(at.peer, content);
  const turn = asked.ack.turn_id;
  const sign = await at.peer.wait((frame) => isEvent(frame) && frame.turn_id === turn && isSpoken(frame), {
    what: 'the first `chunk`',
  });
  if (sign.type !== 'chunk') throw new Skipped(`the turn ended without text: ${brief(sign)}`);
  return { ...at, ...asked, turn };
}

const isSpoken = (frame: ServerFrame) => frame.type === 'chunk' || isEnd(frame);

/** Starts a turn and waits for its first tool call. @throws {Skipped} when no tool was called. */
export async function turnWithTool(server: Server, seconds: number): Promise<Turn> {
  const at = await visit(server);
  const asked = await ask(at.peer, waits(seconds));
  const turn = asked.ack.turn_id;
  const call = await at.peer.wait((frame) => isEvent(frame) && (frame.type === 'tool_call' || isEnd(frame)), {
    what: 'a `tool_call` or the end',
  });
  if (call.type !== 'tool_call') throw new Skipped('the agent called no tool');
  return { ...at, ...asked, turn };
}

/**
 * Checks the placement of a message that was sent into a running turn. If the turn had ended before the server received
 * the message, a turn of its own is right, and the situation was missed. @throws {Broken} @throws {Missed}
 */
export async function demandLanded(
  { peer, turn }: Turn,
  { ack }: Ask,
  placement: 'steering' | 'queued',
): Promise<void> {
  if (ack.placement === placement) {
    const joins = ack.turn_id === turn;
    demand(
      joins === (placement === 'steering'),
      `turn ${turn} was running, it was accepted as ${brief(ack)}`,
    );
    return;
  }
  const at = peer.received.indexOf(ack);
  await endOf(peer, turn);
  const later = peer.received
    .slice(at)
    .some((frame) => isEvent(frame) && frame.turn_id === turn && !isEnd(frame));
  demand(!later, `sent to a running turn, it was accepted as ${brief(ack)}`);
  throw new Missed('the answer was over before the second message came in');
}

/** Sends a message that steers the running turn. */
export async function steer(turn: Turn, content: string, extra: Partial<MessageFrame> = {}): Promise<Ask> {
  const asked = await ask(turn.peer, content, extra);
  await demandLanded(turn, asked, 'steering');
  return asked;
}

/** Aborts the turn with its pending messages. */
export async function stop({ peer, turn }: Turn): Promise<EndFrame> {
  peer.send({ type: 'abort', turn_id: turn, pending: 'discard' });
  return endOf(peer, turn);
}

/** The whole transcript, oldest first, read page by page. */
export async function transcript(peer: Peer, limit?: number): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  for (let before: number | undefined; ; ) {
    const page = await historyPage(peer, {
      ...(before !== undefined && { before }),
      ...(limit !== undefined && { limit }),
    });
    entries.unshift(...page.entries);
    if (page.next === undefined) return entries;
    demand(before === undefined || page.next < before, `\`next\` does not go back: ${page.next}`);
    before = page.next;
  }
}

export async function historyPage(
  peer: Peer,
  asked: { before?: number; limit?: number; merged?: boolean },
): Promise<FrameOf<'history'>> {
  const from = peer.received.length;
  peer.send({ type: 'history', ...asked });
  return peer.wait('history', { from });
}

export const userEntries = (entries: readonly HistoryEntry[]) =>
  entries.filter((entry) => entry.role === 'user');

export const storedText = (entries: readonly HistoryEntry[], turn: string): string =>
  entries
    .map((entry) => (entry.role === 'assistant' && entry.turn_id === turn ? entry.content : ''))
    .join('');

/** Ids of messages in the order in which turns applied them, each `seq` counted once. */
export function appliedIds(peer: Peer): string[] {
  const bySeq = new Map(peer.events.map((event) => [event.seq, event]));
  const events = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  return events.flatMap((event) => (event.type === 'applied' ? event.messages.map(({ id }) => id) : []));
}

/** The turn's text, from its chunks. */
export const shownText = (peer: Peer, turn: string): string =>
  textOf(peer.events.filter((event) => event.turn_id === turn));

/** Checks that the message is in the transcript once. */
export async function demandOneEntry(peer: Peer, id: string): Promise<void> {
  const count = userEntries(await transcript(peer)).filter((entry) => entry.id === id).length;
  demand(count === 1, `the message is in the transcript ${count} times`);
}

/** Checks that the message is in no transcript and no turn. */
export async function demandNoTrace(peer: Peer, id: string): Promise<void> {
  demand(!appliedIds(peer).includes(id), `a turn applied the message: ${id}`);
  const stored = userEntries(await transcript(peer)).some((entry) => entry.id === id);
  demand(!stored, `the message is in the transcript: ${id}`);
}
