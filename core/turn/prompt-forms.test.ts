import { describe, expect, it } from 'vitest';
import { epochMs, epochSeconds } from '../../config/units.ts';
import { readEvents } from '../events/journal.ts';
import { asFileId } from '../ids.ts';
import type { Model, ModelFailure, ModelPart, ModelRequest, Toolbox } from '../model.ts';
import { fileKey } from '../store/keys.ts';
import { memoryFiles } from '../testing/memory-files.ts';
import { idleToolbox, type TurnInMemory, turnInMemory } from '../testing/turn-in-memory.ts';
import { virtualClock } from '../testing/virtual-clock.ts';

/** Each form in which a refused prompt is sent again, and what later turns remember of it. Limits: prompt-shape.test.ts. */

type Reason = ModelFailure['reason'];
const finish = (parts?: Extract<ModelPart, { type: 'finish' }>['parts']): ModelPart => ({
  type: 'finish',
  reason: 'stop',
  usage: { inputTokens: 1, outputTokens: 1 },
  ...(parts && { parts }),
});
const textOf = (messages: ModelRequest['messages'] | undefined) => JSON.stringify(messages ?? []);
const rolesOf = ({ messages }: ModelRequest) => messages.map(({ role }) => role);
const isRepeated = ({ messages }: ModelRequest) =>
  messages.some(({ role }, i) => role === 'user' && messages[i + 1]?.role === 'user');

interface Given {
  /** What it says to a prompt that it takes. */
  answer?: (request: ModelRequest) => readonly ModelPart[];
  /** What is different of the model now. */
  served?: () => Partial<Model>;
  run?: (turn: TurnInMemory) => ReturnType<Toolbox['run']>;
  parts?: Parameters<typeof turnInMemory>[1];
}

/** A conversation with a model that refuses prompts for the reason that `refuses` gives. */
async function conversation(
  refuses: (request: ModelRequest, text: string) => Reason | undefined,
  {
    answer = () => [{ type: 'text', text: 'ok' }, finish()],
    served = () => ({}),
    run = async () => ({ output: 'result', isError: false }),
    parts = {},
  }: Given = {},
) {
  const requests: ModelRequest[] = [];
  const model: Model = {
    provider: 'test',
    name: 'particular',
    async *stream(request): AsyncGenerator<ModelPart> {
      requests.push(request);
      const reason = refuses(request, textOf(request.messages));
      if (reason === undefined) yield* answer(request);
      else
        yield {
          type: 'failure',
          failure: { code: 'PROVIDER_ERROR', reason, message: 'No.', retryable: false, diagnostic: 'no' },
        };
    },
  };
  const toolbox: Toolbox = { ...idleToolbox, run: () => run(turn) };
  const turn: TurnInMemory = await turnInMemory(model, {
    ...parts,
    core: { clock: virtualClock(), ...parts.core },
    worker: { agentFor: async () => ({ model: { ...model, ...served() }, toolbox }) },
  });
  let sent = 0;
  return {
    turn,
    async say(content: Parameters<typeof turn.send>[1]) {
      const [before, asked] = [(await readEvents(turn.core, turn.session, 1)).length, requests.length];
      await turn.send(`m${++sent}`, content);
      await turn.run();
      const events = (await readEvents(turn.core, turn.session, 1)).slice(before);
      const changes = events.flatMap((event) => (event.type === 'history_trimmed' ? [event] : []));
      return {
        end: events.at(-1),
        changes,
        forms: changes.flatMap(({ form }) => form ?? []),
        asked: requests.slice(asked),
      };
    },
  };
}

it('P11: a prompt that is too long in every form is sent in each, the shortest last', async () => {
  let isFull = false;
  let steps = 0;
  const thought = (n: number) => ({ opaque: `THOUGHT ${n} ${'t'.repeat(60)}` });
  const { say } = await conversation(() => (isFull ? 'overlong' : undefined), {
    answer: ({ messages }) => {
      if (!textOf(messages).includes('go on'))
        return [{ type: 'text', text: 'ok' }, finish([thought(0), { text: 2 }])];
      const id = `c${++steps}`;
      if (steps === 4) isFull = true;
      return [
        { type: 'tool_call', id, name: 'look', args: { step: steps } },
        finish([thought(steps), { call: id }]),
      ];
    },
    run: async () => ({ output: `result ${steps} ${'z'.repeat(100)}`, isError: false }),
  });
  for (let n = 0; n < 8; n++) await say(`turn-${n} ${'x'.repeat(40)}`);
  const { asked, changes, forms, end } = await say([
    { type: 'text', text: 'go on' },
    { type: 'image', media_type: 'image/png', data: 'A'.repeat(800) },
  ]);
  expect(forms).toEqual([
    'recent',
    'recent',
    'without_thoughts',
    'without_images',
    'this_turn',
    'recent_steps',
    'recent_steps',
    'last_message',
    'without_message',
  ]);
  expect(end).toMatchObject({ type: 'error', reason: 'overlong' });
  const prompts = asked.slice(4).map(({ messages }) => textOf(messages));
  expect(prompts).toHaveLength(9);
  const sizes = prompts.map((text) => text.length);
  expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
  /** Which prompts have it: the refused one first. */
  const withText = (text: string) => prompts.map((prompt) => (prompt.includes(text) ? 1 : 0)).join('');
  expect(withText('turn-0')).toBe('100000000');
  expect(withText('turn-7')).toBe('111110000');
  expect(withText('THOUGHT')).toBe('111000000');
  expect(withText('AAAA')).toBe('111100000');
  expect(withText('result 1')).toBe('111111000');
  expect([withText('result 2'), withText('result 3')]).toEqual(['111111000', '111111100']);
  expect(withText('result 4')).toBe('111111111');
  expect(withText('go on')).toBe('111111111');
  const kept = changes.map(({ kept_turns }) => kept_turns);
  expect(kept.slice(0, 3)).toEqual([3, 1, 1]);
  expect(kept.slice(4, 8)).toEqual([0, 0, 0, 0]);
  expect(rolesOf(asked.at(-1) ?? { messages: [], toolChoice: 'auto' })).toEqual(['user']);
  expect(asked.at(-1)).toMatchObject({ bare: true, toolChoice: 'none' });
});

it('P11: of two earlier turns of the same size, the newer one is half of them and stays', async () => {
  let isFull = false;
  const { say } = await conversation((_, text) =>
    isFull && text.includes('same 1') ? 'overlong' : undefined,
  );
  await say('same 1');
  await say('same 2');
  isFull = true;
  const { forms, changes } = await say('now');
  expect(forms).toEqual(['recent']);
  expect(changes).toMatchObject([{ dropped_messages: 3, kept_turns: 1 }]);
});

it('P11: a file counts as what it takes of the model’s context: without it the prompt is shorter', async () => {
  const { turn, say } = await conversation((_, text) => (text.includes('"file"') ? 'overlong' : undefined), {
    parts: { core: { files: memoryFiles() } },
  });
  const [file, type, size] = ['f1', 'application/pdf', 100_000] as const;
  await turn.core.store.put(fileKey(turn.session, asFileId(file)), {
    type,
    size,
    checked: true,
    until: epochMs(turn.core.clock.now() + 1e9),
    expires: epochSeconds(4_000_000_000),
  });
  const { forms, end } = await say([
    { type: 'text', text: 'see' },
    { type: 'file', file, media_type: type, size },
  ]);
  expect(forms).toEqual(['without_images']);
  expect(end).toMatchObject({ type: 'done' });
});

describe('P11: a prompt that is rejected', () => {
  it('since its roles do not alternate is sent with roles that do, and later ones are', async () => {
    let fails: Reason | undefined = 'quota';
    const { say } = await conversation((request) => fails ?? (isRepeated(request) ? 'rejected' : undefined));
    await say('first');
    fails = undefined;
    const second = await say('second');
    expect(second.forms).toEqual(['alternating']);
    expect(second.changes).toMatchObject([{ dropped_messages: expect.any(Number), kept_turns: 1 }]);
    expect(second.end).toMatchObject({ type: 'done' });
    const third = await say('third');
    expect([third.asked.length, third.changes]).toEqual([1, []]);
    expect(textOf(third.asked[0]?.messages)).toContain('first');
  });

  it('for its roles is none where the deployment says that they alternate', async () => {
    let fails: Reason | undefined = 'quota';
    const { say } = await conversation((request) => fails ?? (isRepeated(request) ? 'rejected' : undefined), {
      served: () => ({ alternates: true }),
    });
    await say('first');
    fails = undefined;
    expect((await say('second')).asked).toHaveLength(1);
  });

  it('for what the model thought is sent without it, all of what it said stays', async () => {
    const { say } = await conversation((_, text) => (text.includes('THOUGHT') ? 'rejected' : undefined), {
      answer: () => [{ type: 'text', text: 'Said.' }, finish([{ opaque: 'THOUGHT' }, { text: 5 }])],
    });
    await say('first');
    for (const [text, turns] of [
      ['second', 1],
      // The thoughts of the turn before are new.
      ['third', 2],
    ] as const) {
      const { forms, changes, asked } = await say(text);
      expect(forms).toEqual(['without_thoughts']);
      expect(changes).toMatchObject([{ dropped_messages: expect.any(Number), kept_turns: turns }]);
      expect(textOf(asked[1]?.messages).match(/Said\./g)).toHaveLength(turns);
    }
  });

  it('for calls of tools is sent with them as text, until the next call', async () => {
    const { say } = await conversation(
      (request) => (rolesOf(request).includes('tool') ? 'rejected' : undefined),
      {
        answer: ({ messages }) => {
          const last = messages.at(-1);
          const isAsked = last?.role === 'user' && /^use(?!.*The tool)/s.test(String(last.content));
          return isAsked
            ? [{ type: 'tool_call', id: 'c', name: 'look', args: { n: 1 } }, finish()]
            : [{ type: 'text', text: 'ok' }, finish()];
        },
      },
    );
    const first = await say('use it');
    expect(first.forms).toEqual(['plain']);
    expect(first.end).toMatchObject({ type: 'done' });
    expect(textOf(first.asked.at(-1)?.messages)).toContain('The tool look was called with');
    const second = await say('well?');
    expect([second.asked.length, second.forms]).toEqual([1, []]);
    expect((await say('use it again')).forms).toEqual(['plain']);
  });

  it('in every form leaves out the messages that its call had to answer, and no other of the turn', async () => {
    let isSent = false;
    const { say } = await conversation((_, text) => (text.includes('poison') ? 'rejected' : undefined), {
      answer: ({ messages }) =>
        rolesOf({ messages, toolChoice: 'auto' }).includes('tool') || !textOf(messages).includes('look it up')
          ? [{ type: 'text', text: 'ok' }, finish()]
          : [{ type: 'tool_call', id: 'c', name: 'look', args: {} }, finish()],
      run: async (own) => {
        if (!isSent) for (const id of ['one', 'two']) await own.send(id, `poison ${id}`);
        isSent = true;
        return { output: 'FOUND', isError: false };
      },
    });
    const { changes, end } = await say('look it up');
    expect(end).toMatchObject({ type: 'error', reason: 'rejected' });
    expect(changes.at(-1)).toMatchObject({ form: 'without_message', message_ids: ['one', 'two'] });
    const { asked } = await say('and?');
    expect(asked).toHaveLength(1);
    const text = textOf(asked[0]?.messages);
    expect([text.includes('look it up'), text.includes('FOUND'), text.includes('poison')]).toEqual([
      true,
      true,
      false,
    ]);
  });
});

it('P11: of a turn of many steps that are too long, the shortest form is sent before its message is left out', async () => {
  const STEPS = 90;
  let steps = 0;
  const { say } = await conversation(() => (steps === STEPS ? 'overlong' : undefined), {
    answer: ({ messages }) =>
      textOf(messages).includes('look')
        ? [{ type: 'tool_call', id: `c${++steps}`, name: 'look', args: {} }, finish()]
        : [{ type: 'text', text: 'ok' }, finish()],
    run: async () => ({ output: `result ${steps}`, isError: false }),
    parts: { settings: { MIDTURN_MAX_STEPS: `${2 * STEPS}` } },
  });
  for (let n = 0; n < 8; n++) await say(`turn-${n}`);
  const { forms } = await say('look');
  const halved = Array.from({ length: 4 }, () => 'recent_steps');
  expect(forms).toEqual(['recent', 'recent', 'this_turn', ...halved, 'last_message', 'without_message']);
});

describe('a session remembers', () => {
  it('the forms of the prompts for four models: the one that was changed first gives way', async () => {
    let name = '';
    const { say } = await conversation((_, text) => (text.includes('AAAA') ? 'rejected' : undefined), {
      served: () => ({ name }),
    });
    const calls = async (model: string, content: Parameters<typeof say>[0]) => {
      name = model;
      return (await say(content)).asked.length;
    };
    const picture = [
      { type: 'text', text: 'see' },
      { type: 'image', media_type: 'image/png', data: 'AAAA' },
    ] as const;
    expect(await calls('a', [...picture])).toBe(2);
    for (const model of ['b', 'c', 'd']) expect(await calls(model, 'and?')).toBe(2);
    for (const model of ['a', 'b', 'c', 'd']) expect(await calls(model, 'and?')).toBe(1);
    expect(await calls('e', 'and?')).toBe(2);
    for (const model of ['b', 'c', 'd', 'e']) expect(await calls(model, 'and?')).toBe(1);
    expect(await calls('a', 'and?')).toBe(2);
  });

  it('the last fifty messages that were refused: an older one is in prompts again', async () => {
    const { say } = await conversation(({ messages }) => {
      const last = messages.at(-1);
      return last?.role === 'user' && String(last.content).startsWith('bad') ? 'withheld' : undefined;
    });
    for (let n = 1; n <= 51; n++) {
      const { forms } = await say(`bad ${n}.`);
      expect(forms).toEqual(['without_message']);
      const { asked } = await say('good');
      const shown = textOf(asked[0]?.messages).match(/bad \d+\./g) ?? [];
      expect(shown).toEqual(n <= 50 ? [] : ['bad 1.']);
    }
  });
});
