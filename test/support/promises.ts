import { expect } from 'vitest';
import type { Principal } from '../../core/store/items.ts';
import { eventsOf, isEnd, isEvent, schemaError } from './frames.ts';
import type { Stored } from './stored.ts';
import type { WsClient } from './ws-client.ts';

/**
 * What holds for every client in every scenario, whatever it is about: frames as the protocol has them, each event once
 * and none missing (P9), and text that is never taken back and is stored as it was shown (P3, P4).
 */
export async function expectPromisesKept(
  client: WsClient,
  { stored, sessionId, principal }: { stored: Stored; sessionId: string; principal: Principal },
): Promise<void> {
  expect(client.frames.flatMap((frame) => schemaError(frame) ?? [])).toEqual([]);
  const events = eventsOf(client);
  const [first] = events;
  if (!first) return;
  // Of a deleted session there is nothing left to compare with.
  const deleted = client.frames.some(
    (frame) =>
      (frame.type === 'error' && frame.code === 'SESSION_DELETED') ||
      (frame.type === 'deleted' && frame.session_id === sessionId),
  );
  if (deleted) return;

  // Replay and live events of a resume may overlap; whoever never asks for a replay must not need to sort or drop.
  const resumed = client.frames.some(({ type }) => type === 'connected');
  const seen = resumed ? events : client.frames.filter(isEvent);
  expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, i) => first.seq + i));

  const transcript = await stored.transcript(sessionId, principal);
  for (const turn of new Set(events.map(({ turn_id }) => turn_id))) {
    const ofTurn = events.filter(({ turn_id }) => turn_id === turn);
    const end = ofTurn.at(-1);
    if (ofTurn[0]?.type !== 'turn_start' || !end || !isEnd(end)) continue;
    let text = '';
    for (const event of ofTurn) {
      if (event.type !== 'chunk') continue;
      expect(event.offset, 'chunks follow one another').toBe(text.length);
      text += event.content;
    }
    if (end.full_response !== null) expect(end.full_response).toBe(text);
    const entries = transcript.filter((entry) => entry.turn === turn);
    const said = entries.flatMap((entry) => (entry.role === 'assistant' ? [entry.content] : []));
    expect(said.join('')).toBe(text);
    const users = entries.flatMap((entry) => (entry.role === 'user' ? [entry.id] : []));
    const applied = ofTurn.flatMap((event) => (event.type === 'applied' ? event.messages : []));
    expect(users).toEqual(applied.map(({ id }) => id));
    const called = entries.flatMap((entry) => (entry.role === 'tool_call' ? [entry.id] : []));
    const answered = entries.flatMap((entry) => (entry.role === 'tool_result' ? [entry.id] : []));
    expect(answered.toSorted(), 'each call has one result (P13)').toEqual(called.toSorted());
  }
  expect(transcript.map(({ n }) => n)).toEqual(transcript.map((_, i) => i + 1));
}
