import { afterEach, expect, it } from 'vitest';
import { describeEachBeside } from '../support/describe-beside.ts';
import { accepted, chunk, end, endsOf, framesOf } from '../support/frames.ts';
import { LONG_WAIT_MS } from '../support/timeouts.ts';
import type { WsClient } from '../support/ws-client.ts';
import { givenProvider } from './provided-stack.ts';
import type { Reply } from './provider-server.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { google } from './wires/google.ts';
import { openai } from './wires/openai.ts';
import { openaiCompatible } from './wires/openai-compatible.ts';
import type { Ending, SeenMessage } from './wires/wire.ts';

/**
 * Failures as providers have them, in whole turns over each provider's own wire: what a client sees of one, and that the
 * session goes on. Streams that only differ in their bytes are in `model/providers/streams.test.ts`.
 */

const clock = { name: 'current_time', args: {} };
const AFTERWARDS = { text: ['All is well.'] };

const say = (client: WsClient, content: string) => client.send({ type: 'message', content });
const textOf = (prompt: readonly SeenMessage[] | undefined) => JSON.stringify(prompt ?? []);

/** The results that a prompt holds, by their calls' names. */
const resultsIn = (prompt: readonly SeenMessage[] | undefined): [string, unknown][] => {
  const blocks = (prompt ?? []).flatMap((message) => message.blocks);
  return blocks.flatMap((block): [string, unknown][] => {
    if (!('result' in block)) return [];
    const call = blocks.find((other) => 'call' in other && other.call === block.result);
    return [[call && 'call' in call ? call.name : '', block.output]];
  });
};

/** Declares a test for the wires that can have what it is about. */
const where = (can: boolean) => (title: string, test: () => Promise<void>) => {
  if (can) it(title, test);
};

describeEachBeside([bedrock, anthropic, openaiCompatible, openai, google], (wire) => {
  const stack = givenProvider(wire);

  /** None of these turns sends what the provider does not take. */
  afterEach(() => {
    expect(stack.takeComplaints()).toEqual([]);
  });

  async function ask(replies: readonly Reply[]) {
    const calls = stack.script([...replies, AFTERWARDS]);
    const client = await stack.connect(stack.newSession());
    say(client, 'first');
    return { calls, client, ended: await end(client) };
  }

  /** A plain message is answered, and its prompt holds these words of the turn before. */
  async function goesOn({ calls, client }: Awaited<ReturnType<typeof ask>>, ...words: string[]) {
    say(client, 'second');
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'All is well.' });
    for (const word of ['first', ...words]) expect(textOf(calls.at(-1)?.prompt)).toContain(word);
    expect(endsOf(client)).toHaveLength(2);
  }

  const has = (ending: Ending) => wire.endings.includes(ending);

  it.each(Object.keys(wire.pauses))(
    'P3: a provider that asks for a pause by %s is not called before it is over: throttled, then overloaded',
    async (pause) => {
      const turn = await ask([
        { refusal: 'throttled', pause },
        { refusal: 'overloaded', pause },
        { text: ['Here.'] },
      ]);
      expect(turn.ended).toMatchObject({ type: 'done', full_response: 'Here.', steps: 1 });
      expect(turn.calls).toHaveLength(3);
      await goesOn(turn, 'Here.');
    },
  );

  it.each([[['throttled', 'overloaded']], [['model_error']]] as const)(
    'P3: %j as the first thing in an answer of 200 is tried again without a trace',
    async (faults) => {
      const turn = await ask([...faults.map((fault) => ({ end: fault })), { text: ['Here.'] }]);
      expect(turn.ended).toMatchObject({ type: 'done', full_response: 'Here.', steps: 1 });
      expect(turn.calls).toHaveLength(faults.length + 1);
      await goesOn(turn, 'Here.');
    },
  );

  where(wire !== bedrock)(
    'an error in JSON in place of a stream of 200 is that error, and no empty answer',
    async () => {
      const quota = await ask([{ refusal: 'quota', as200: true }]);
      expect(quota.ended).toMatchObject({ type: 'error', reason: 'quota', retryable: false });
      expect(quota.calls).toHaveLength(1);
      await goesOn(quota);
      const overloaded = await ask([{ refusal: 'overloaded', as200: true }, { text: ['Here.'] }]);
      expect(overloaded.ended).toMatchObject({ type: 'done', full_response: 'Here.' });
      await goesOn(overloaded, 'Here.');
    },
  );

  it('an answer that a filter ends says so in `done`, and its text stays', async () => {
    const turn = await ask([{ text: ['Some of', ' it'], end: 'withheld' }]);
    expect(turn.ended).toMatchObject({ type: 'done', full_response: 'Some of it' });
    expect(turn.ended).toHaveProperty('finish_reason', wire === anthropic ? 'refusal' : 'content_filter');
    await goesOn(turn, 'Some of it');
  });

  it('an answer that a filter withholds is an error that is not tried again', async () => {
    const turn = await ask([{ end: 'withheld' }]);
    expect(turn.ended).toMatchObject({
      type: 'error',
      reason: 'withheld',
      retryable: false,
      full_response: '',
    });
    expect(turn.calls).toHaveLength(1);
    // Later prompts leave the message out, so that it is withheld once.
    expect(framesOf(turn.client, 'history_trimmed')).toMatchObject([{ form: 'without_message' }]);
    say(turn.client, 'second');
    expect(await end(turn.client, 2)).toMatchObject({ type: 'done', full_response: 'All is well.' });
    expect(textOf(turn.calls.at(-1)?.prompt)).not.toContain('first');
  });

  it('P13: a call in an answer that a filter ended is not run', async () => {
    const turn = await ask([{ text: ['Let me look.'], calls: [clock], end: 'withheld' }]);
    expect(turn.ended).toMatchObject({ type: 'done', full_response: 'Let me look.' });
    expect(framesOf(turn.client, 'tool_call')).toEqual([]);
    await goesOn(turn, 'Let me look.');
  });

  it('an answer that reaches the limit of tokens says `length` in `done`', async () => {
    const turn = await ask([{ text: ['As long as', ' it may be'], end: 'length' }]);
    expect(turn.ended).toMatchObject({
      type: 'done',
      full_response: 'As long as it may be',
      finish_reason: 'length',
    });
    await goesOn(turn, 'As long as it may be');
  });

  it('an answer that reaches the limit of tokens before its first word is not paid for again', async () => {
    const turn = await ask([{ end: 'length' }]);
    expect(turn.ended).toMatchObject({
      type: 'error',
      reason: 'empty',
      retryable: false,
      full_response: '',
    });
    expect(turn.calls).toHaveLength(1);
    await goesOn(turn);
  });

  it('P13: the last call of an answer that reached the limit of tokens is not run: the model is told, and calls again', async () => {
    const turn = await ask([
      { calls: [clock, { name: 'wait', args: { seconds: 0 } }], end: 'length' },
      { text: ['Once more.'], calls: [{ name: 'wait', args: { seconds: 0 } }] },
      { text: ['Done.'] },
    ]);
    expect(turn.ended).toMatchObject({
      type: 'done',
      full_response: 'Once more.Done.',
      finish_reason: 'stop',
    });
    expect(
      framesOf(turn.client, 'tool_result')
        .map(({ name, is_error = false }) => [name, is_error])
        .toSorted(),
    ).toEqual([
      ['current_time', false],
      ['wait', false],
      ['wait', true],
    ]);
    expect(textOf(turn.calls[1]?.prompt)).toContain('limit of tokens');
    await goesOn(turn, 'Done.');
  });

  where(has('window'))('an answer that reaches the end of the window says `length`', async () => {
    const turn = await ask([{ text: ['As much as fits'], end: 'window' }]);
    expect(turn.ended).toMatchObject({ full_response: 'As much as fits', finish_reason: 'length' });
    await goesOn(turn, 'As much as fits');
  });

  where(has('window'))(
    'a window that is full before the first word is a prompt that is too long',
    async () => {
      const { ended, client } = await ask([{ end: 'window' }]);
      expect(ended).toMatchObject({ type: 'done', full_response: 'All is well.' });
      expect(framesOf(client, 'history_trimmed')).toMatchObject([{ reason: 'overlong' }]);
    },
  );

  where(has('paused'))('P6: a paused answer goes on in the next call, with what came meanwhile', async () => {
    const held = Promise.withResolvers<void>();
    const calls = stack.script([
      { text: ['Searching. ', held.promise], end: 'paused' },
      { text: ['Found.'] },
      AFTERWARDS,
    ]);
    const client = await stack.connect(stack.newSession());
    say(client, 'first');
    await chunk(client, 'Searching. ');
    client.send({ type: 'message', id: 'meanwhile', content: 'hurry' });
    await accepted(client, 'meanwhile');
    held.resolve();
    const ended = await end(client);
    expect(ended).toMatchObject({
      type: 'done',
      full_response: 'Searching. Found.',
      steps: 2,
      finish_reason: 'stop',
    });
    expect(textOf(calls[1]?.prompt)).toContain('hurry');
    await goesOn({ calls, client, ended }, 'Searching.', 'Found.');
  });

  where(has('paused'))('an answer that pauses for ever ends at the limit of steps', async () => {
    const turn = await ask(
      Array.from({ length: 3 }, () => ({ text: ['Searching. '], end: 'paused' as const })),
    );
    expect(turn.ended).toMatchObject({
      type: 'done',
      full_response: 'Searching. Searching. Searching. ',
      steps: 3,
      finish_reason: 'paused',
    });
    await goesOn(turn, 'Searching.');
  });

  where(has('malformed'))(
    'a call that the provider cannot read is written again, where nothing is visible',
    async () => {
      const turn = await ask([{ end: 'malformed' }, { text: ['Here.'] }]);
      expect(turn.ended).toMatchObject({ type: 'done', full_response: 'Here.', steps: 1 });
      await goesOn(turn, 'Here.');
    },
  );

  where(has('malformed'))(
    'after words, it is an error with these words: no answer ends in the middle of a call',
    async () => {
      const turn = await ask([{ text: ['Let me look.'], end: 'malformed' }]);
      expect(turn.ended).toMatchObject({
        type: 'error',
        reason: 'unreadable',
        retryable: true,
        full_response: 'Let me look.',
      });
      await goesOn(turn, 'Let me look.');
    },
  );

  // A Gemini call is no text, and cannot be half of one.
  const unreadable = wire === google ? [] : [['is no JSON', '{"seconds": 1'] as const];
  it.each([...unreadable, ['does not fit the schema', { seconds: 'soon' }] as const])(
    'P13: a call whose input %s is not run: the model is told, and calls again',
    async (_what, args) => {
      const turn = await ask([
        { text: ['Hm. '], calls: [{ name: 'wait', args }, clock] },
        { calls: [{ name: 'wait', args: { seconds: 0 } }] },
        { text: ['Done.'] },
      ]);
      expect(turn.ended).toMatchObject({ type: 'done', full_response: 'Hm. Done.', steps: 3 });
      const results = framesOf(turn.client, 'tool_result').map(({ name, is_error = false }) => [
        name,
        is_error,
      ]);
      expect(results.toSorted()).toEqual([
        ['current_time', false],
        ['wait', false],
        ['wait', true],
      ]);
      expect(resultsIn(turn.calls[1]?.prompt).map(([name]) => name)).toContain('wait');
      await goesOn(turn, 'Done.');
    },
  );

  it('P13: calls of tools that are not there are answered to the model, whatever their names, and end no session', async () => {
    const names = ['weather', 'browser.tabs.open', '$lookup', 'look<|channel|>up', 'x'.repeat(200)];
    const turn = await ask([{ calls: names.map((name) => ({ name, args: {} })) }, { text: ['I cannot.'] }]);
    expect(turn.ended).toMatchObject({ type: 'done', full_response: 'I cannot.', steps: 2 });
    // Clients see the names that the model wrote.
    expect(framesOf(turn.client, 'tool_call').map((call) => call.name)).toEqual(names);
    const results = framesOf(turn.client, 'tool_result');
    expect(results.map((result) => result.name).toSorted()).toEqual(names.toSorted());
    expect(results.map((result) => result.is_error)).toEqual(names.map(() => true));
    expect(textOf(turn.calls[1]?.prompt).split('There is no tool named')).toHaveLength(names.length + 1);
    expect(framesOf(turn.client, 'history_trimmed')).toEqual([]);
    await goesOn(turn, 'I cannot.');
  });

  it('P13: 200 calls at once are run once each, and all their results are in the next prompt', async ({
    expect,
  }) => {
    const calls = stack.script([
      { calls: Array.from({ length: 200 }, () => ({ name: 'wait', args: { seconds: 0 } })) },
      { text: ['Done.'] },
      AFTERWARDS,
    ]);
    const session = stack.newSession();
    const asker = await stack.connect(session);
    asker.send({ type: 'message', id: 'm1', content: 'first' });
    await accepted(asker, 'm1');
    // Whoever comes back later is shown all of it. It takes a slow machine longer than a connection may be late.
    asker.close();
    await expect.poll(() => calls.length, { timeout: LONG_WAIT_MS }).toBe(2);
    const client = await stack.connect(session);
    client.send({ type: 'connect', resume: { after_seq: 0 } });
    const ended = await end(client);
    expect(ended).toMatchObject({ type: 'done', full_response: 'Done.', steps: 2 });
    expect(resultsIn(calls[1]?.prompt)).toHaveLength(200);
    expect(framesOf(client, 'history_trimmed')).toEqual([]);
    const ids = framesOf(client, 'tool_result').map(({ id }) => id);
    expect(ids).toHaveLength(200);
    expect(new Set(ids).size).toBe(200);
    await goesOn({ calls, client, ended }, 'Done.');
  });

  it('a stream with comments, CR LF, empty frames and packets that end inside a character is read as it is', async () => {
    const turn = await ask([
      { text: ['Grüße 😀', ' und 漢字'], calls: [clock], rough: true },
      { text: ['Fertig 🎉'], rough: true },
    ]);
    expect(turn.ended).toMatchObject({
      type: 'done',
      full_response: 'Grüße 😀 und 漢字Fertig 🎉',
      steps: 2,
    });
    await goesOn(turn, '漢字', '🎉');
  });

  it('a server that counts nothing is answered by, with counts of zero', async () => {
    const turn = await ask([{ text: ['Here.'], usage: null }]);
    expect(turn.ended).toMatchObject({ type: 'done', full_response: 'Here.', output_tokens: 0 });
    await goesOn(turn, 'Here.');
  });

  it('P3: an answer without an end of its own keeps its text, and can be asked to go on', async () => {
    const turn = await ask([{ text: ['All that', ' came'], end: 'unsaid' }]);
    expect(turn.ended).toMatchObject({
      type: 'error',
      reason: 'cut_off',
      retryable: true,
      full_response: 'All that came',
    });
    await goesOn(turn, 'All that came');
  });

  it('an answer with nothing in it is tried again', async () => {
    const turn = await ask([{}, { text: ['Here.'] }]);
    expect(turn.ended).toMatchObject({ type: 'done', full_response: 'Here.', steps: 1 });
    await goesOn(turn, 'Here.');
  });
});
