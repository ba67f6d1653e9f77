import { describe, expect, it } from 'vitest';
import { type Milliseconds, milliseconds } from '../../config/units.ts';
import { textOfBytes } from '../../test/support/text.ts';
import type { Model, ModelFailure, ModelPart, ModelRequest } from '../model.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';
import { writeText } from './side-call.ts';

/** A text that a model writes beside the turns of a session. */

const USAGE = { inputTokens: 9, outputTokens: 3 };
const finish = (reason = 'stop', usage = USAGE): ModelPart => ({ type: 'finish', reason, usage });
const text = (said: string): ModelPart => ({ type: 'text', text: said });
const thought = (said: string): ModelPart => ({ type: 'thinking', text: said });
const failing = (failure: Partial<ModelFailure>): ModelPart => ({
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'throttled',
    message: 'No.',
    retryable: true,
    diagnostic: 'scripted',
    ...failure,
  },
});
/** 40 bytes in 20 characters: ten tokens. */
const REQUEST: ModelRequest = { messages: [{ role: 'user', content: 'é'.repeat(20) }], toolChoice: 'none' };
const session = (await turnInMemory({ provider: 'p', name: 'm', async *stream() {} })).session;

async function written(
  parts: readonly ModelPart[] | Model['stream'],
  { ms = milliseconds(1000), bytes = 100 }: { ms?: Milliseconds; bytes?: number } = {},
) {
  const clock = virtualClock();
  const signals: AbortSignal[] = [];
  const model: Model = {
    provider: 'house',
    name: 'small',
    async *stream(request, signal, alive) {
      signals.push(signal);
      expect(request).toBe(REQUEST);
      yield* typeof parts === 'function' ? parts(request, signal, alive) : parts;
    },
  };
  const began = clock.now();
  const core = { ...memoryCore(), clock };
  const result = await writeText(core, model, REQUEST, { session, purpose: 'title' }, { ms, bytes });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  return { result, took: clock.now() - began, clock };
}

describe('a text that is written beside a turn', () => {
  it.each(['stop', 'length'])(
    'is what the model says until %s, without the space around it',
    async (reason) => {
      const { result } = await written([text(' \n One'), thought('Hm.'), text(' two.\n'), finish(reason)]);
      expect(result).toEqual({ text: 'One two.', finish: finish(reason), usage: USAGE });
    },
  );

  it.each(['tool_calls', 'content_filter', 'refusal', 'paused'])(
    'is none where it ends with %s',
    async (reason) => {
      const { result } = await written([text('One'), finish(reason)]);
      expect(result).toEqual({ diagnostic: `the call ended with ${reason}`, usage: USAGE });
    },
  );

  it('is none where there is no word in it', async () => {
    const { result } = await written([text(' \n'), finish()]);
    expect(result).toEqual({ diagnostic: 'the call ended with stop', usage: USAGE });
  });

  it.each(['x', 'é', '€', '😀'])('has so many bytes as JSON, in whole characters: of %s', async (unit) => {
    for (const bytes of [99, 100, 101, 400]) {
      const said = textOfBytes(bytes, unit);
      const { result } = await written([text(said), finish()], { bytes: 100 });
      if (!('text' in result)) throw new Error('no text');
      expect(said.startsWith(result.text)).toBe(true);
      if (bytes <= 100) expect(result.text).toBe(said);
      else expect(Buffer.byteLength(result.text)).toBeGreaterThan(100 - 4);
      expect(Buffer.byteLength(result.text)).toBeLessThanOrEqual(100);
    }
  });

  it('has whole characters, whatever the model says', async () => {
    const { result } = await written([text('half \ud83d'), finish()]);
    expect(result).toMatchObject({ text: 'half \ufffd' });
  });
});

describe('the call for such a text', () => {
  it.each([0, 1234, 60_000])('is stopped after %d ms, and leaves no timer', async (ms) => {
    const { result, took, clock } = await written(
      async function* (_request, signal) {
        yield text('€€');
        await new Promise((resolve) => {
          if (signal.aborted) resolve(undefined);
          signal.addEventListener('abort', resolve);
        });
      },
      { ms: milliseconds(ms) },
    );
    // What was read, and 6 bytes that were written.
    const usage = { inputTokens: 10, outputTokens: 2 };
    expect(result).toEqual({ diagnostic: `no whole text within ${ms} ms`, usage });
    expect([took, clock.sleeping]).toEqual([ms, 0]);
  });

  it('has no time where none is left', async () => {
    const { took } = await written(
      async function* (_request, signal) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        yield* [];
      },
      { ms: milliseconds(-5) },
    );
    expect(took).toBe(0);
  });

  it.each<[string, readonly ModelPart[] | Model['stream']]>([
    ['is whole', [text('One'), finish()]],
    ['fails', [failing({})]],
    ['breaks off', [text('One')]],
  ])('leaves no timer where it %s', async (_, parts) => {
    const { clock, took } = await written(parts);
    expect([clock.sleeping, took]).toEqual([0, 0]);
  });

  it('counts what its provider does not tell: what was read, and what was written of the text', async () => {
    const estimate = { inputTokens: 10, outputTokens: 3 };
    const NOTHING = { inputTokens: 0, outputTokens: 0 };
    // Ten bytes in five characters.
    const said = text('é'.repeat(5));
    expect((await written([said, finish('stop', NOTHING)])).result.usage).toEqual(estimate);
    expect((await written([said])).result).toEqual({
      diagnostic: 'the stream ended without a finish',
      usage: estimate,
    });
    expect((await written([said, failing({})])).result).toEqual({ diagnostic: 'scripted', usage: estimate });
    expect((await written([failing({ reason: 'stalled' })])).result.usage).toEqual({
      ...estimate,
      outputTokens: 0,
    });
    expect((await written([failing({})])).result).toEqual({ diagnostic: 'scripted' });
  });
});
