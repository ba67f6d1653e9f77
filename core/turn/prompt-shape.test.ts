import { describe, expect, it } from 'vitest';
import { readEvents } from '../events/journal.ts';
import type { Model, ModelFailure, ModelPart, ModelRequest } from '../model.ts';
import { memoryCore } from '../testing/memory-core.ts';
import { turnInMemory } from '../testing/turn-in-memory.ts';

type Reason = ModelFailure['reason'];
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

/** A conversation with a model that refuses prompts, before it says a word, for the reason that `refuses` gives. */
async function conversation(
  refuses: (request: ModelRequest, text: string) => Reason | undefined,
  { meanwhile = async () => {} }: { meanwhile?: () => Promise<void> } = {},
) {
  const requests: ModelRequest[] = [];
  const model: Model = {
    provider: 'test',
    name: 'particular',
    async *stream(request): AsyncGenerator<ModelPart> {
      requests.push(request);
      await meanwhile();
      const reason = refuses(request, JSON.stringify(request.messages));
      if (reason === undefined) {
        yield { type: 'text', text: 'ok' };
        yield { type: 'finish', reason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
        return;
      }
      const failure = { code: 'PROVIDER_ERROR', message: 'No.', retryable: false, diagnostic: 'no' } as const;
      yield { type: 'failure', failure: { ...failure, reason } };
    },
  };
  const counted: string[] = [];
  const turn = await turnInMemory(model, {
    core: {
      metrics: {
        ...memoryCore().metrics,
        countBy: (name, part) => void (name === 'PromptsReshaped' && counted.push(part)),
      },
    },
  });
  let sent = 0;
  return {
    requests,
    counted,
    send: turn.send,
    /** Sends a message. @returns how its turn ended, the changes that it committed, and what the model was asked */
    async say(content: Parameters<typeof turn.send>[1]) {
      const [before, asked] = [(await readEvents(turn.core, turn.session, 1)).length, requests.length];
      expect(await turn.send(`m${++sent}`, content)).toBe(true);
      await turn.run();
      const events = (await readEvents(turn.core, turn.session, 1)).slice(before);
      return {
        end: events.at(-1),
        changes: events.flatMap((event) => (event.type === 'history_trimmed' ? [event] : [])),
        asked: requests.slice(asked),
        /** The number of the turn's first entry. */
        entry: events.find((event) => event.type === 'turn_start')?.entry ?? Number.NaN,
      };
    },
  };
}
type Said = Awaited<ReturnType<Awaited<ReturnType<typeof conversation>>['say']>>;
/** The changes to the prompt's form. A cut that is remembered is reported without one. */
const formsOf = ({ changes }: Said) => changes.flatMap(({ form }) => form ?? []);
const textOf = (request: ModelRequest | undefined) => JSON.stringify(request?.messages ?? []);

describe('P11: a prompt that is too long', () => {
  const LIMIT = 2000;
  const upTo = (limit: number) => (_: ModelRequest, text: string) =>
    Buffer.byteLength(text) > limit ? 'overlong' : undefined;

  it('is sent again with the newer half of the earlier turns, by bytes; later prompts begin there', async () => {
    const { say, counted } = await conversation(upTo(LIMIT));
    // Of the older turn's text there are fewer characters, and more bytes.
    await say(`older ${'€'.repeat(300)}`);
    await say(`newer ${'x'.repeat(600)}`);
    const third = await say(`third ${'y'.repeat(400)}`);
    expect(third.end).toMatchObject({ type: 'done' });
    expect(third.changes).toMatchObject([
      // A message, its answer, and the end of their turn.
      { form: 'recent', reason: 'overlong', dropped_messages: 3, kept_turns: 1 },
    ]);
    expect(counted).toEqual(['recent']);
    expect(third.asked).toHaveLength(2);
    expect(textOf(third.asked[1])).toContain('newer');
    expect(textOf(third.asked[1])).not.toContain('older');
    const fourth = await say('fourth');
    expect(fourth.asked).toHaveLength(1);
    expect(fourth.changes).toMatchObject([{ reason: 'remembered', dropped_messages: 3, kept_turns: 2 }]);
    expect(fourth.changes[0]).not.toHaveProperty('form');
    expect(textOf(fourth.asked[0])).toContain('newer');
    expect(textOf(fourth.asked[0])).not.toContain('older');
  });

  it('is halved twice at most before all earlier turns are left out', async () => {
    let isFull = false;
    const { say } = await conversation((_, text) =>
      isFull && text.includes('turn-15') ? 'overlong' : undefined,
    );
    for (let n = 0; n < 16; n++) await say(`turn-${n} ${'x'.repeat(50)}`);
    isFull = true;
    const last = await say('now');
    expect(formsOf(last)).toEqual(['recent', 'recent', 'this_turn']);
    const kept = last.changes.map(({ kept_turns }) => kept_turns);
    expect(kept).toEqual([kept[0], Math.floor((kept[0] ?? 0) / 2), 0]);
    expect(last.end).toMatchObject({ type: 'done' });
  });

  it('of one message alone ends its turn; later prompts have the turns before it, and not that message', async () => {
    const { say } = await conversation(upTo(LIMIT));
    await say('my name is Ann');
    const long = await say(`too long ${'€'.repeat(LIMIT / 2)}`);
    expect(long.end).toMatchObject({
      type: 'error',
      reason: 'overlong',
      retryable: false,
      message: expect.stringContaining('longer than the model can take'),
    });
    expect(long.changes.at(-1)).toMatchObject({ form: 'without_message', message_ids: ['m2'] });
    // Every other prompt was shorter than the one before.
    const sizes = long.asked.map(({ messages }) => bytesOf(messages));
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    const next = await say('who am I?');
    expect(next.asked).toHaveLength(1);
    expect(textOf(next.asked[0])).toContain('Ann');
    expect(textOf(next.asked[0])).not.toContain('too long');
  });
});

describe('P11: a prompt that is rejected', () => {
  const picture = [
    { type: 'text', text: 'see' },
    { type: 'image', media_type: 'image/png', data: 'AAAA' },
  ] as const;

  it('is sent again without images, if that is all that the model does not take, and stays so', async () => {
    const { say } = await conversation((_, text) => (text.includes('AAAA') ? 'rejected' : undefined));
    const first = await say([...picture]);
    expect(formsOf(first)).toEqual(['without_images']);
    expect(first.end).toMatchObject({ type: 'done' });
    const second = await say('and now?');
    expect(second.asked).toHaveLength(1);
    expect(textOf(second.asked[0])).toContain('see');
  });

  it('in every form ends its turn, after fewer calls than there are forms; the next turn is as if it had not been', async () => {
    const { say, counted } = await conversation((_, text) =>
      text.includes('poison') ? 'rejected' : undefined,
    );
    await say('before');
    const poisoned = await say('poison');
    expect(poisoned.end).toMatchObject({
      type: 'error',
      code: 'PROVIDER_ERROR',
      reason: 'rejected',
      message: expect.stringContaining('rejected the message in every form'),
    });
    expect(formsOf(poisoned)).toEqual(['this_turn', 'last_message', 'without_message']);
    expect(poisoned.asked).toHaveLength(3);
    expect(counted).toEqual(['this_turn', 'last_message']);
    const after = await say('after');
    expect(after.asked).toHaveLength(1);
    expect(after.asked[0]?.bare).toBeUndefined();
    expect(textOf(after.asked[0])).toContain('before');
    expect(textOf(after.asked[0])).not.toContain('poison');
  });

  it('in every form, while another message comes, goes on with that one: what was refused has no say in its end', async () => {
    let isLast = async () => {};
    const { say, send } = await conversation(
      (_, text) => (text.includes('poison') ? 'rejected' : undefined),
      {
        meanwhile: () => isLast(),
      },
    );
    let calls = 0;
    isLast = async () => {
      // During the last form of the refused prompt.
      if (++calls === 2) await send('steering', 'never mind');
    };
    const poisoned = await say('poison');
    expect(formsOf(poisoned)).toContain('without_message');
    expect(poisoned.end).toMatchObject({ type: 'done' });
    expect(textOf(poisoned.asked.at(-1))).toContain('never mind');
    expect(textOf(poisoned.asked.at(-1))).not.toContain('poison');
  });

  it('with its tools is sent without them, and has them again after forty entries', async () => {
    let takesTools = false;
    const { say } = await conversation(({ bare }) => (bare || takesTools ? undefined : 'rejected'));
    const first = await say('hello');
    expect(formsOf(first)).toEqual(['last_message']);
    expect(first.asked.map(({ toolChoice }) => toolChoice)).toEqual(['auto', 'none']);
    expect(first.end).toMatchObject({ type: 'done' });
    takesTools = true;
    const { bareSince = Number.NaN } = first.changes[0]?.shape ?? {};
    let again = 0;
    for (let n = 0; n < 20; n++) {
      const { asked, entry } = await say(`message ${n}`);
      expect(asked[0]?.bare, `from entry ${entry} on`).toBe(entry - bareSince < 40 ? true : undefined);
      if (!asked[0]?.bare) again++;
    }
    expect(again).toBeGreaterThan(1);
    expect(again).toBeLessThan(19);
  });
});

describe('P11: a prompt that a filter withholds', () => {
  it('is not sent again in another form: its message is left out', async () => {
    const { say, counted } = await conversation((_, text) => (text.includes('bad') ? 'withheld' : undefined));
    await say('good');
    const bad = await say('bad');
    expect(bad.end).toMatchObject({
      type: 'error',
      reason: 'withheld',
      retryable: false,
      message: expect.stringContaining('content filter'),
    });
    expect(bad.asked).toHaveLength(1);
    expect(formsOf(bad)).toEqual(['without_message']);
    // The message, and nothing of the turn before it.
    expect(bad.changes).toMatchObject([{ dropped_messages: 1, kept_turns: 1 }]);
    expect(counted).toEqual([]);
    expect((await say('good again')).end).toMatchObject({ type: 'done' });
  });

  it('twice in a row may have its cause in older turns: it is sent again without them', async () => {
    let evil = false;
    const { say } = await conversation((_, text) =>
      evil && text.includes('before') ? 'withheld' : undefined,
    );
    await say('before');
    evil = true;
    expect(formsOf(await say('first try'))).toEqual(['without_message']);
    const second = await say('second try');
    expect(formsOf(second)).toEqual(['this_turn']);
    expect(second.end).toMatchObject({ type: 'done' });
  });
});

it.each(['provider', 'throttled', 'quota', 'unauthorised', 'unknown'] as const)(
  'a failure that says nothing of the prompt (%s) changes none of it',
  async (reason) => {
    let fails = true;
    const { say } = await conversation(() => (fails ? reason : undefined));
    const failed = await say('first');
    expect(failed.end).toMatchObject({ type: 'error', reason });
    expect(failed.changes).toEqual([]);
    fails = false;
    expect(textOf((await say('second')).asked[0])).toContain('first');
  },
);
