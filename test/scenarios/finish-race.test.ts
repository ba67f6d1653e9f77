import { expect, it } from 'vitest';
import { accepted, appliedIds, chunk, endsOf, framesOf, isEvent } from '../support/frames.ts';
import { createGate, type Gate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';

const stack = givenStack();

interface Moment {
  client: WsClient;
  gate: Gate;
  /** Sends the message of this round. */
  send(): void;
}

/** Spins the event loop so many times: a delay of some microseconds each, different ones in different rounds. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

const ROUNDS = 12;

/** When, around the last thing that the model sends, the second message of a round is sent. */
const MOMENTS: readonly [name: string, act: (moment: Moment, round: number) => Promise<void>][] = [
  [
    'right before the answer may end',
    async ({ gate, send }) => {
      send();
      gate.open();
    },
  ],
  [
    'right after the answer may end',
    async ({ gate, send }, round) => {
      gate.open();
      await turns(round * 4);
      send();
    },
  ],
  [
    'the moment that the last chunk is seen',
    async ({ client, gate, send }, round) => {
      gate.open();
      await client.waitFor((frame) => frame.type === 'chunk' && frame.content === ` end ${round}`);
      await turns(round * 4);
      send();
    },
  ],
  [
    'the moment that done is seen',
    async ({ client, gate, send }, round) => {
      const before = endsOf(client).length;
      gate.open();
      await client.waitFor(() => endsOf(client).length > before);
      await turns(round * 4);
      send();
    },
  ],
];

it.each(MOMENTS)(
  'P1 P7: a message sent %s is answered exactly once, by this turn or the next',
  async (_, act) => {
    const gates = Array.from({ length: ROUNDS }, createGate);
    /** Each call answers the last message that it sees, by its number. */
    const model = stack.script(({ messages }) => {
      const [, kind, round] = /^(hold|late) (\d+)$/.exec(String(messages.at(-1)?.content)) ?? [];
      const gate = gates[Number(round)];
      return kind === 'hold' && gate
        ? { chunks: [`begin ${round}`, gate, ` end ${round}`] }
        : { chunks: [`late ${round} answered`] };
    });
    const session = stack.newSession();
    const client = await stack.connect(session);
    for (const [round, gate] of gates.entries()) {
      client.send({ type: 'message', id: `hold-${round}`, content: `hold ${round}` });
      await chunk(client, `begin ${round}`);
      const send = () => client.send({ type: 'message', id: `late-${round}`, content: `late ${round}` });
      await act({ client, gate, send }, round);
      await chunk(client, `late ${round} answered`);
      const { turn_id } = await accepted(client, `late-${round}`);
      // The round is over when the turn that the acknowledgement named has ended.
      await client.waitFor(() => endsOf(client).some((end) => end.turn_id === turn_id));
    }

    const transcript = await stack.stored.lines(session);
    const sent = gates.flatMap((_gate, round) => [`hold ${round}`, `late ${round}`]);
    expect(transcript.filter((line) => line.startsWith('user: '))).toEqual(
      sent.map((text) => `user: ${text}`),
    );
    expect(appliedIds(client)).toEqual(sent.map((text) => text.replace(' ', '-')));
    const said = transcript.filter((line) => line.startsWith('assistant: ')).join('|');
    for (const [round] of gates.entries()) {
      expect(said.split(`late ${round} answered`), 'answered exactly once').toHaveLength(2);
      expect(said.split(`begin ${round} end ${round}`), 'held answer kept whole').toHaveLength(2);
    }
    expect(model.requests).toHaveLength(2 * ROUNDS);
    expect(framesOf(client, 'error')).toEqual([]);
    expect(endsOf(client).every(({ type }) => type === 'done')).toBe(true);
    expect(client.frames.filter(isEvent).map(({ seq }) => seq)).toEqual(
      client.frames.filter(isEvent).map((_frame, i) => i + 1),
    );
  },
);
