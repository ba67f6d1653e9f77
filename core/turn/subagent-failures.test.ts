import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import {
  asking,
  failing,
  finish,
  LIMIT_MS,
  look,
  type Parts,
  TOKENS,
  text,
} from '../../test/support/asked-subagent.ts';
import { bytesOfJson } from '../json-bytes.ts';
import type { ModelPart } from '../model.ts';
import type { Subagent } from './context.ts';

/** What becomes of an agent that a tool asks where something of it fails, and what it says. Tries: subagent-run.test.ts. */

const partsOf = (result: Awaited<ReturnType<typeof asking>>['result']) =>
  (result?.output as { parts?: unknown[] } | undefined)?.parts;

describe('an agent that cannot be asked', () => {
  it('is not, where the input of the call does not fit: the model that asked is told why', async () => {
    const { asked, result, events } = await asking([[text('?'), finish()]], {
      ask: { promptOf: async () => ({ complaint: 'city: expected a text' }) },
    });
    expect(asked).toEqual([]);
    expect(result).toMatchObject({ is_error: true, output: 'city: expected a text' });
    expect(events.at(-1)).toMatchObject({ type: 'done' });
  });

  it.each<[string, Partial<Subagent>]>([
    ['served', { serve: () => Promise.reject(new TypeError('SECRET')) }],
    ['given a prompt', { promptOf: () => Promise.reject(new TypeError('SECRET')) }],
  ])('since it cannot be %s is an error of the call, and the log has its name alone', async (_, ask) => {
    const { result, logged, events } = await asking([[text('?'), finish()]], { ask });
    expect(result).toMatchObject({ is_error: true, output: 'The agent could not be asked.' });
    expect(logged).toContainEqual({
      text: 'an agent that a tool asks failed',
      fields: { turn: events[0]?.turn, tool: 'ask', error: 'TypeError' },
    });
    expect(JSON.stringify(logged)).not.toContain('SECRET');
  });
});

describe('a model call of an agent', () => {
  it('P3: of which something was seen is not made again, by no model', async () => {
    for (const seen of [
      text('Half'),
      { type: 'provider_call', id: 'p', name: 'search', args: {} } as ModelPart,
    ]) {
      const { asked, result, counted, used } = await asking([[seen, failing()]], {
        fallback: [[text('Never.'), finish()]],
      });
      expect(asked.map(({ by }) => by)).toEqual(['own']);
      expect(result).toMatchObject({ is_error: true, output: 'The agent failed: Limited.' });
      expect(counted).toContain('ModelFailures PROVIDER_ERROR 1');
      expect(used).toBeGreaterThan(0);
    }
  });

  it('that breaks off is made again, and what each has used is estimated', async () => {
    const { asked, shown, used } = await asking([[], [text('Yes.'), finish()]]);
    expect(asked).toHaveLength(2);
    expect(shown).toBe('Yes.');
    // Five bytes were asked.
    expect(used).toBe(2 + TOKENS);
  });

  it('whose provider refuses it has used nothing, also where the agent is stopped in the pause after it', async () => {
    const { asked, used, events } = await asking([
      async function* (_signal, turn) {
        void turn.core.clock
          .sleep(milliseconds(100))
          .then(() => turn.send('m2', 'Stop that.', { delivery: 'now' }));
        yield failing({ retryAfterMs: milliseconds(20_000) });
      },
    ]);
    expect(asked).toHaveLength(1);
    expect(events.at(-1)).toMatchObject({ type: 'done' });
    expect(used).toBe(0);
  });

  it('of a silent model fails after as long as any, and is made again', async () => {
    const silent: Parts = async function* (signal, turn) {
      await turn.core.clock.sleep(LIMIT_MS, signal);
      yield* [];
    };
    const { asked, shown, sleeping } = await asking([silent, [text('Yes.'), finish()]], {
      settings: { MIDTURN_MODEL_STALL_SECONDS: '30', MIDTURN_MODEL_WAIT_SECONDS: '30' },
    });
    const [first = 0, second = 0] = asked.map(({ at }) => at);
    expect(second - first).toBeGreaterThanOrEqual(30_250);
    expect(second - first).toBeLessThanOrEqual(31_000);
    expect(shown).toBe('Yes.');
    expect(sleeping).toBe(0);
  });

  it.each<[string, readonly ModelPart[], number]>([
    ['text', [text('é'.repeat(200))], 100],
    ['thoughts', [{ type: 'thinking', text: '€'.repeat(200) }], 150],
    ['calls', [look('c', '😀'.repeat(100))], 101],
  ])('that fails has used what was asked, and what was written of %s in bytes', async (_, parts, tokens) => {
    // An answer that cannot be read was billed.
    const { used } = await asking([[...parts, failing({ reason: 'unreadable', retryable: false })]]);
    expect(used).toBe(2 + tokens);
  });

  it('is logged with the agent that made it, and counted as any call', async () => {
    const { logged, counted, events } = await asking([[text('Yes.'), finish()]]);
    expect(logged).toContainEqual({
      text: 'model call',
      fields: expect.objectContaining({
        turn: events[0]?.turn,
        agent: 'ask',
        model: 'test:own',
        finish: 'stop',
      }),
    });
    expect(counted).toContain('InputTokens test:own 10');
    expect(counted.filter((one) => one === 'Steps')).toHaveLength(3);
  });

  it('P13: gives whole characters, and calls an id that no other call has', async () => {
    const { asked, runs, result } = await asking([
      [text('Half \ud83d'), look('c', ['\ude00']), finish()],
      [look('c', { n: 2 }), finish()],
      [text('Yes.'), finish()],
    ]);
    const said = asked[2]?.messages.flatMap((message) => (message.role === 'assistant' ? message : [])) ?? [];
    expect(said[0]?.text).toBe('Half \ufffd');
    expect(runs[0]?.call.args).toEqual(['\ufffd']);
    expect(new Set(said.flatMap(({ calls }) => calls.map(({ id }) => id))).size).toBe(2);
    expect(JSON.stringify(result)).not.toMatch(/\\ud83d(?!\\ude)/);
  });
});

describe('what an agent says', () => {
  it('has the tools that its provider ran', async () => {
    const { result } = await asking([
      [
        { type: 'provider_call', id: 'p', name: 'search', args: { q: 'soup' } },
        { type: 'provider_result', id: 'p', name: 'search', output: ['a'], isError: false },
        text('Yes.'),
        finish(),
      ],
    ]);
    expect(partsOf(result)).toEqual([
      {
        type: 'tool-search',
        toolCallId: 'p',
        input: { q: 'soup' },
        providerExecuted: true,
        state: 'output-available',
        output: ['a'],
      },
      { type: 'text', text: 'Yes.', state: 'done' },
    ]);
  });

  it('is nothing, or as much as an output may have, for the model that asked', async () => {
    expect((await asking([[text(' '), finish()]])).shown).toBe('The agent has given no text.');
    const { shown } = await asking([[text('é'.repeat(20_000)), finish()]]);
    expect(shown).toContain('Cut: ');
    expect(bytesOfJson(shown) - 2).toBeLessThanOrEqual(16 * 1024);
    expect(bytesOfJson(shown)).toBeGreaterThan(15 * 1024);
  });

  it('goes on after a pause, but not in the last call that it may make', async () => {
    const { asked, shown } = await asking(
      [
        [text('On '), finish('paused')],
        [text('and on.'), finish('paused')],
      ],
      {
        settings: { MIDTURN_MAX_STEPS: '3' },
      },
    );
    expect(asked.map(({ toolChoice }) => toolChoice)).toEqual(['auto', 'auto', 'none']);
    expect(shown).toBe('On and on.and on.');
  });
});
