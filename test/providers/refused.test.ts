import { describe, expect, it } from 'vitest';
import type { Content } from '../../core/content.ts';
import { accepted, chunk, end, framesOf } from '../support/frames.ts';
import type { WsClient } from '../support/ws-client.ts';
import { givenProvider } from './provided-stack.ts';
import type { Reply } from './provider-server.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { openaiCompatible } from './wires/openai-compatible.ts';
import { gemmaTemplate, mistral, mistralTemplate, systemless, toolless } from './wires/strict.ts';
import type { SeenMessage } from './wires/wire.ts';

/** A prompt that a provider refuses ends no session: the next one is in a form that it takes. */

const clock = { name: 'current_time', args: {} };
const say = (client: WsClient, content: Content) => client.send({ type: 'message', content });
const textOf = (prompt: readonly SeenMessage[]) => JSON.stringify(prompt);
const formsOf = (client: WsClient) => framesOf(client, 'history_trimmed').map(({ form }) => form);

describe.each([mistral, mistralTemplate, gemmaTemplate, systemless, toolless])('$label', (wire) => {
  const stack = givenProvider(wire);

  it('P6: a steering message after a batch of tools is answered, and so is each later turn', async () => {
    const held = Promise.withResolvers<void>();
    const calls = stack.script([
      { text: ['Let me ', held.promise, 'look.'], calls: [clock] },
      { text: ['Nine.'] },
      { text: ['Hello.'] },
    ]);
    const session = stack.newSession();
    const client = await stack.connect(session);
    say(client, 'first');
    await chunk(client, 'Let me ');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    held.resolve();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Let me look.Nine.' });
    const learned = stack.takeComplaints().length;
    expect(learned).toBeGreaterThan(0);
    say(client, 'hello');
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'Hello.' });
    // What the provider takes was learned once.
    expect(stack.takeComplaints()).toEqual([]);
    for (const word of ['first', 'second', 'Nine.', 'hello'])
      expect(textOf(calls.at(-1)?.prompt ?? [])).toContain(word);
  });

  it('after a turn that failed, and one that was stopped, the next is answered', async () => {
    const held = Promise.withResolvers<void>();
    stack.script([{ refusal: 'unauthorised' }, { text: ['half', held.promise] }, { text: ['Hello.'] }]);
    const client = await stack.connect(stack.newSession());
    say(client, 'first');
    expect(await end(client)).toMatchObject({ type: 'error', code: 'AUTH_ERROR' });
    say(client, 'second');
    await chunk(client, 'half');
    client.send({ type: 'abort' });
    expect(await end(client, 2)).toMatchObject({ type: 'aborted' });
    held.resolve();
    say(client, 'third');
    expect(await end(client, 3)).toMatchObject({ type: 'done', full_response: 'Hello.' });
    stack.takeComplaints();
  });
});

describe.each([bedrock, anthropic, openaiCompatible])('$name', (wire) => {
  const stack = givenProvider(wire);
  const takes = (limit: number): Reply[] =>
    Array.from({ length: 12 }, () => ({ longest: limit, text: ['ok'] }));

  it('P11: a conversation that outgrows the window goes on with its newest turns, and says so once', async () => {
    const calls = stack.script(takes(3000));
    const session = stack.newSession();
    const client = await stack.connect(session);
    for (let turn = 1; turn <= 4; turn++) {
      say(client, `${turn}: ${'many words '.repeat(80)}`);
      expect(await end(client, turn)).toMatchObject({ type: 'done', full_response: 'ok' });
    }
    expect(formsOf(client)).toEqual(['recent']);
    const last = textOf(calls.at(-1)?.prompt ?? []);
    expect(last).toContain('4: many');
    expect(last).toContain('3: many');
    expect(last).not.toContain('1: many');
    // The cut stays where it is: the next prompt begins there.
    say(client, 'hello');
    expect(await end(client, 5)).toMatchObject({ type: 'done' });
    expect(textOf(calls.at(-1)?.prompt ?? [])).not.toContain('1: many');
    expect(calls).toHaveLength(6);
    expect(await stack.stored.lines(session)).toHaveLength(10);
  });

  it('a message that is longer than the window is refused alone: the next prompt has the turns before it', async () => {
    const calls = stack.script(takes(3000));
    const client = await stack.connect(stack.newSession());
    say(client, 'my name is Ann');
    await end(client);
    client.send({ type: 'message', id: 'long', content: `too long ${'and longer '.repeat(400)}` });
    expect(await end(client, 2)).toMatchObject({ type: 'error', reason: 'overlong', retryable: false });
    expect(framesOf(client, 'history_trimmed').at(-1)).toMatchObject({
      form: 'without_message',
      message_ids: ['long'],
    });
    say(client, 'hello');
    expect(await end(client, 3)).toMatchObject({ type: 'done', full_response: 'ok' });
    const last = textOf(calls.at(-1)?.prompt ?? []);
    expect(last).toContain('my name is Ann');
    expect(last).not.toContain('too long');
  });

  it.each(['a message', 'a call of a tool'])('%s that is refused does not end the session', async (what) => {
    const poison = 'FORBIDDEN';
    const refusing = (reply: Reply): Reply => ({ ...reply, refuses: poison });
    const calls = stack.script([
      ...(what === 'a message' ? [] : [refusing({ calls: [{ name: 'wait', args: { seconds: poison } }] })]),
      ...Array.from({ length: 10 }, () => refusing({ text: ['ok'] })),
    ]);
    const client = await stack.connect(stack.newSession());
    say(client, what === 'a message' ? `say ${poison}` : 'call it');
    await end(client);
    say(client, 'hello');
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'ok' });
    say(client, 'hello again');
    const before = calls.length;
    expect(await end(client, 3)).toMatchObject({ type: 'done', full_response: 'ok' });
    expect(calls.length - before).toBeLessThanOrEqual(1);
    expect(textOf(calls.at(-1)?.prompt ?? [])).not.toContain(poison);
  });

  it.each(['unauthorised', 'unknown_model', 'quota'] as const)(
    '%s says nothing of the prompt: it is sent once, and stays whole',
    async (refusal) => {
      const calls = stack.script([{ refusal }, { text: ['ok'] }]);
      const client = await stack.connect(stack.newSession());
      say(client, 'first');
      expect(await end(client)).toMatchObject({ type: 'error', retryable: false });
      expect(calls).toHaveLength(1);
      expect(framesOf(client, 'history_trimmed')).toEqual([]);
      say(client, 'second');
      expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'ok' });
      expect(textOf(calls[1]?.prompt ?? [])).toContain('first');
    },
  );
});
