import { afterEach, describe, expect, it } from 'vitest';
import { CONTINUE_REQUEST } from '../../core/events/prompt.ts';
import { accepted, end, eventsOf, framesOf } from '../support/frames.ts';
import { killWorker } from '../support/workers.ts';
import { givenProvider } from './provided-stack.ts';
import type { Reply, SeenCall } from './provider-server.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { google } from './wires/google.ts';
import { openai } from './wires/openai.ts';
import { reasoningContent, thoughtSignature } from './wires/thinking.ts';
import type { SeenBlock } from './wires/wire.ts';

/**
 * Models that think, over each provider's own wire. The servers refuse, as the real ones do, a prompt that lacks what was
 * thought or signed before a call, or that has it changed.
 */

const clock = { name: 'current_time', args: {} };
const wait = (seconds: number) => ({ name: 'wait', args: { seconds } });
const SECRET = 'ZW5jcnlwdGVkIHRob3VnaHQ=';

const word = (block: SeenBlock): string => {
  if ('text' in block) return block.text;
  if ('thought' in block) return `(${block.thought})`;
  if ('call' in block) return `call ${block.name}`;
  return 'result' in block ? 'result' : 'image';
};

/** One word per block, in the order of the prompt, whatever messages they are grouped in. */
const words = (call: SeenCall | undefined): string[] =>
  call?.prompt.flatMap(({ blocks }) => blocks.map(word)) ?? [];

const WIRES = [
  { wire: anthropic, shows: 'blocks' },
  { wire: bedrock, shows: 'blocks' },
  { wire: reasoningContent, shows: 'text' },
  { wire: openai, shows: 'text' },
  { wire: google, shows: 'text' },
  { wire: thoughtSignature, shows: 'nothing' },
] as const;

describe.each(WIRES.map(({ wire, shows }) => ({ name: wire.label ?? wire.name, wire, shows })))(
  '$name',
  ({ wire, shows }) => {
    const stack = givenProvider(wire, { MIDTURN_VISIBILITY_SECONDS: '2', MIDTURN_MAX_STEPS: '6' });
    /** What this wire shows of a thought. */
    const thought = (text: string) => (shows === 'nothing' ? [] : [`(${text})`]);
    const thinks = (text: string) => (shows === 'nothing' ? [] : [{ thinks: text }]);
    const redacted = shows === 'blocks' ? [{ redacted: SECRET }] : [];

    /** By then each test has named what it expected of these. */
    afterEach(() => {
      expect(stack.takeComplaints()).toEqual([]);
    });

    async function ask(replies: readonly Reply[]) {
      const calls = stack.script(replies);
      const session = stack.newSession();
      const client = await stack.connect(session);
      client.send({ type: 'connect' });
      client.send({ type: 'message', id: 'm1', content: 'first' });
      return { calls, session, client };
    }

    it('P11: what a model thought is in its next prompts as it was, between tools, after steering, in the next turn', async () => {
      const held = Promise.withResolvers<void>();
      const { calls, session, client } = await ask([
        {
          text: [...thinks('I need the time.'), ...redacted, 'Let me look. ', held.promise],
          calls: [clock, wait(0)],
        },
        { text: thinks('And again.'), calls: [clock] },
        { text: [...thinks('Now I know.'), 'Half past nine.'] },
        { text: ['Still.'], calls: [clock] },
        { text: ['Ten.'] },
      ]);
      await client.waitFor('chunk');
      client.send({ type: 'message', id: 'm2', content: 'second' });
      await accepted(client, 'm2');
      held.resolve();
      expect(await end(client)).toMatchObject({
        type: 'done',
        full_response: 'Let me look. Half past nine.',
        steps: 3,
      });
      const first = [
        'first',
        ...thought('I need the time.'),
        ...redacted.map(() => `(${SECRET})`),
        'Let me look. ',
        'call current_time',
        'call wait',
        'result',
        'result',
        'second',
      ];
      expect(words(calls[1])).toEqual(first);
      const second = [...first, ...thought('And again.'), 'call current_time', 'result'];
      expect(words(calls[2])).toEqual(second);
      expect(
        framesOf(client, 'thinking')
          .map(({ content }) => content)
          .join(''),
      ).toBe(thinks('').length > 0 ? 'I need the time.And again.Now I know.' : '');
      client.send({ type: 'message', id: 'm3', content: 'third' });
      expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'Still.Ten.' });
      expect(words(calls[3])).toEqual([...second, ...thought('Now I know.'), 'Half past nine.', 'third']);
      expect(words(calls[4])).toEqual([...words(calls[3]), 'Still.', 'call current_time', 'result']);
      // Nobody but the provider is shown what is its own.
      const shown = JSON.stringify(client.frames) + stack.log();
      for (const own of [SECRET, 'signature', 'thought-of-call', '"verbatim"'])
        expect(shown).not.toContain(own);
      expect(await stack.stored.lines(session)).toContain('assistant: Half past nine.');
    });

    it('P8, P11: a worker that takes over between call and result gives back what the dead one was given', async () => {
      const { calls, client } = await ask([
        { text: [...thinks('I must wait.'), ...redacted], calls: [wait(2)] },
        { text: ['Waited.'] },
      ]);
      await client.waitFor('tool_call');
      await killWorker(stack.cloud);
      expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Waited.' });
      expect(words(calls[1])).toEqual([
        'first',
        ...thought('I must wait.'),
        ...redacted.map(() => `(${SECRET})`),
        'call wait',
        'result',
      ]);
    });

    // Gemini shows no thoughts on this wire.
    if (shows === 'nothing') return;

    it('what was thought before a cut is dropped: it has no signature', async () => {
      const held = Promise.withResolvers<void>();
      const { calls, client } = await ask([
        { text: ['So. ', { thinks: 'Half of a thought', held: held.promise }] },
        { text: [{ thinks: 'Otherwise.' }], calls: [clock] },
        { text: ['Done.'] },
      ]);
      await client.waitFor('thinking');
      client.send({ type: 'message', id: 'm2', content: 'second', delivery: 'now' });
      await client.waitFor('tool_call');
      held.resolve();
      expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So. Done.' });
      expect(words(calls[1])).toEqual(['first', 'So. ', 'second']);
      expect(words(calls[2])).toEqual([
        'first',
        'So. ',
        'second',
        '(Otherwise.)',
        'call current_time',
        'result',
      ]);
    });

    it('a long thought is kept: it leaves the lane for its own item', async () => {
      const long = 'I wonder. '.repeat(6000);
      const { calls, client } = await ask([
        { text: [{ thinks: long }], calls: [clock] },
        { text: [{ thinks: 'Short.' }], calls: [clock] },
        { text: ['Done.'] },
      ]);
      expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Done.' });
      expect(words(calls[2])).toEqual([
        'first',
        `(${long})`,
        'call current_time',
        'result',
        '(Short.)',
        'call current_time',
        'result',
      ]);
      expect(eventsOf(client).filter(({ type }) => type === 'thinking').length).toBeGreaterThan(10);
    });
  },
);

describe.each(WIRES.map(({ wire, shows }) => ({ name: wire.label ?? wire.name, wire, shows })))(
  '$name, where a turn outlives its function',
  ({ wire, shows }) => {
    const stack = givenProvider(wire, {
      MIDTURN_TURN_TIMEOUT_SECONDS: '10',
      MIDTURN_VISIBILITY_SECONDS: '60',
    });
    // Gemini shows no thoughts on OpenAI's wire: there the hand-over comes in the middle of the text.
    const shown = shows !== 'nothing';
    const thinks = (text: string) => (shown ? [{ thinks: text }] : []);
    const thought = (text: string) => (shown ? [`(${text})`] : []);

    it('P11: the next invocation is left no thought that was cut, and each that was whole', async () => {
      const held = Promise.withResolvers<void>();
      const half = shown ? { thinks: 'Half of a thought', held: held.promise } : held.promise;
      const calls = stack.script([
        { text: thinks('I need the time.'), calls: [clock, clock] },
        { text: ['So. ', half] },
        { text: thinks('Again.'), calls: [clock] },
        { text: ['Nine.'] },
      ]);
      const client = await stack.connect(stack.newSession());
      client.send({ type: 'message', content: 'first' });
      expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So. Nine.' });
      held.resolve();
      const step = [
        'first',
        ...thought('I need the time.'),
        ...['call current_time', 'call current_time'],
        ...['result', 'result'],
        'So. ',
        CONTINUE_REQUEST,
      ];
      expect(words(calls[2])).toEqual(step);
      expect(words(calls[3])).toEqual([...step, ...thought('Again.'), 'call current_time', 'result']);
      expect(stack.takeComplaints()).toEqual([]);
    });
  },
);
