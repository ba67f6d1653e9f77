import { describe, expect, it } from 'vitest';
import { end, framesOf } from '../support/frames.ts';
import { givenFallback, givenProvider } from './provided-stack.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { google } from './wires/google.ts';
import { openai } from './wires/openai.ts';
import { openaiCompatible } from './wires/openai-compatible.ts';
import { reasoningContent } from './wires/thinking.ts';
import type { SeenMessage } from './wires/wire.ts';

/** What a model thought is for that model alone, and for a provider that takes it. */

const clock = { name: 'current_time', args: {} };
const kinds = (prompt: readonly SeenMessage[] | undefined) =>
  prompt?.flatMap(({ blocks }) => blocks.map((block) => Object.keys(block)[0]));

describe.each([
  [anthropic, openai],
  [openai, anthropic],
  [anthropic, bedrock],
  [bedrock, google],
  [google, openai],
  [reasoningContent, anthropic],
])('$name, and another wire as its fallback', (wire, other) => {
  const { stack, fallback } = givenFallback(wire, other);

  it('P11: the fallback model is given calls and results without the thoughts, the first one later has its own', async () => {
    const first = stack.script([
      { text: [{ thinks: 'I need the time.' }], calls: [clock] },
      { refusal: 'overloaded' },
      { refusal: 'overloaded' },
      { refusal: 'overloaded' },
      { text: ['Ten.'] },
    ]);
    const second = fallback.script([{ text: [{ thinks: 'So do I.' }], calls: [clock] }, { text: ['Nine.'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Nine.', model: other.model });
    client.send({ type: 'message', content: 'second' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'Ten.', model: wire.model });
    const step = ['call', 'result'];
    expect(kinds(second[0]?.prompt)).toEqual(['text', ...step]);
    expect(kinds(second[1]?.prompt)).toEqual(['text', ...step, 'thought', ...step]);
    expect(kinds(first[4]?.prompt)).toEqual(['text', 'thought', ...step, ...step, 'text', 'text']);
    expect([stack.takeComplaints(), fallback.takeComplaints()]).toEqual([[], []]);
  });
});

describe('a fallback that wants the thoughts of each call of the turn', () => {
  const { stack, fallback } = givenFallback(google, reasoningContent);

  it('P11: is asked again with the calls of the other model as text, and the session remembers it', async () => {
    stack.script([
      { text: [{ thinks: 'I need the time.' }], calls: [clock] },
      { refusal: 'overloaded' },
      { refusal: 'overloaded' },
      { refusal: 'overloaded' },
    ]);
    const second = fallback.script([{ text: ['Nine.'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Nine.' });
    expect(fallback.takeComplaints()).toHaveLength(1);
    expect(framesOf(client, 'history_trimmed')).toMatchObject([{ reason: 'rejected', dropped_messages: 0 }]);
    expect(kinds(second[0]?.prompt)).not.toContain('call');
    expect(JSON.stringify(second[0]?.prompt)).toContain('current_time');
  });
});

describe('a provider that shows thoughts and takes none', () => {
  const stack = givenProvider(openaiCompatible);

  it('is asked again without them, and the session remembers it', async () => {
    const calls = stack.script([
      { text: [{ thinks: 'Hm.' }], calls: [clock] },
      { text: ['Nine.'] },
      { text: ['Ten.'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Nine.' });
    expect(stack.takeComplaints()).toEqual(['Additional properties are not allowed.']);
    expect(framesOf(client, 'history_trimmed')).toMatchObject([
      { form: 'without_thoughts', reason: 'rejected', dropped_messages: 0 },
    ]);
    client.send({ type: 'message', content: 'second' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'Ten.' });
    expect(stack.takeComplaints()).toEqual([]);
    expect(kinds(calls[2]?.prompt)).toEqual(['text', 'call', 'result', 'text', 'text']);
  });
});
