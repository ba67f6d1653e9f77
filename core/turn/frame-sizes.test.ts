import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTurnSettings } from '../../config/settings/turns.ts';
import { epochMs, milliseconds } from '../../config/units.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { cases } from '../../test/support/sample.ts';
import { asConnectionId, asSessionId } from '../ids.ts';
import { registerConnection } from '../inbound/connection-lifecycle.ts';
import { handleFrame } from '../inbound/dispatch.ts';
import type { ModelPart } from '../model.ts';
import { memoryCore, recordingPorts } from '../testing/memory-core.ts';
import { idleToolbox } from '../testing/turn-in-memory.ts';
import { runJob } from './worker.ts';

const CONNECTION = asConnectionId('c');

/** Units of one to four bytes as UTF-8, and one that is six bytes as JSON. */
const unit = fc.constantFrom('a', 'é', '€', '😀', '\u0001');
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** Asks once; `steering` arrives while the model says `answer`. @returns all frames that the client was sent */
async function talk({ answer, steering = [] }: { answer: string; steering?: readonly string[] }) {
  const { frames, jobs, gateway, queues } = recordingPorts();
  let now = 0;
  const clock = {
    now: () => epochMs(now),
    // Time passes only while somebody waits for it.
    sleep: async (duration: number) => {
      now += duration;
    },
  };
  const core = memoryCore({ gateway, queues, clock });
  await registerConnection(core, CONNECTION, {
    principal: { tenant: 't', subject: 's' },
    sessionId: asSessionId('one'),
  });
  const send = (id: string, content: string) =>
    handleFrame(core, {
      connectionId: CONNECTION,
      body: JSON.stringify({ type: 'message', id, content }),
      receivedAt: clock.now(),
    });
  await send('first', 'go');
  let calls = 0;
  async function* stream(): AsyncGenerator<ModelPart> {
    if (calls++ === 0) {
      yield { type: 'text', text: answer };
      for (const [n, content] of steering.entries()) await send(`steering-${n}`, content);
    }
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
  }
  const context = {
    core,
    agentFor: async () => ({ model: { provider: 'test', name: 'says', stream }, toolbox: idleToolbox }),
    settings: readTurnSettings({ MIDTURN_FLUSH_MS: '0' }),
    remainingMs: () => milliseconds(100_000),
    reserveMs: milliseconds(1),
    maxToolMs: milliseconds(1000),
  };
  for (const job of jobs) expect(await runJob(context, job)).toBe('over');
  for (const frame of frames) expect(bytesOf(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  return frames;
}

describe('P3: the end of a turn', () => {
  it('has the whole text if that fits into a frame, by its bytes, and says so if it does not', async () => {
    // What the frame has beside the text.
    const [empty] = (await talk({ answer: '' })).slice(-1);
    const room = MAX_FRAME_BYTES - bytesOf(empty);
    const omitted = { full_response: null, full_response_omitted: true };
    await fc.assert(
      fc.asyncProperty(unit, fc.integer({ min: -1, max: 1 }), async (character, beside) => {
        const size = bytesOf(character) - 2;
        const longest = character.repeat(Math.floor(room / size)) + 'a'.repeat(room % size);
        const answer = beside < 0 ? longest.slice(0, -1).toWellFormed() : longest + 'a'.repeat(beside);
        const [done] = (await talk({ answer })).slice(-1);
        // A longer text has more chunks, and the number of the end more digits: one that just fits may be too long.
        const whole = { ...done, full_response: answer, full_response_omitted: undefined };
        const fits = bytesOf(whole) <= MAX_FRAME_BYTES;
        expect(done).toMatchObject({ type: 'done', ...(fits ? { full_response: answer } : omitted) });
        if (beside < 0) expect(fits).toBe(true);
        if (beside > 0) expect(fits).toBe(false);
      }),
      { numRuns: cases(30) },
    );
  });

  it('of 12,000 characters of three bytes has no text: it counts bytes', async () => {
    const [done] = (await talk({ answer: '€'.repeat(12_000) })).slice(-1);
    expect(done).toMatchObject({ type: 'done', full_response: null, full_response_omitted: true });
  });
});

describe('P1 P6: messages that are taken in together', () => {
  it('are divided into as many `applied` as it takes, each within a frame, whatever their characters', async () => {
    const content = fc
      .tuple(unit, fc.constantFrom(1, 500, 3000, 8000))
      .map(([character, bytes]) => character.repeat(Math.ceil(bytes / (bytesOf(character) - 2))));
    await fc.assert(
      fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 12 }), async (steering) => {
        const frames = await talk({ answer: 'word', steering });
        const accepted = frames.filter(({ type }) => type === 'accepted').map(({ id }) => id);
        const applied = frames.flatMap((frame) =>
          frame.type === 'applied' ? (frame.messages as { id: string; content: string }[]) : [],
        );
        expect(applied.map(({ id }) => id)).toEqual(accepted);
        for (const { id, content } of applied.slice(1))
          expect(content).toBe(steering[Number(id.split('-')[1])]);
        expect(frames.at(-1)).toMatchObject({ type: 'done' });
      }),
      // Few of the random bursts are longer than a frame by their bytes alone.
      {
        numRuns: cases(60),
        examples: [[Array(12).fill('€'.repeat(2600))], [Array(12).fill('😀'.repeat(2000))]],
      },
    );
  });
});
