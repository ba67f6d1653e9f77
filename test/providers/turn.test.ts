import { afterEach, describe, expect, it } from 'vitest';
import type { Content, FilePart } from '../../core/content.ts';
import { IMAGE_NOTE } from '../../core/events/prompt.ts';
import type { Json } from '../../core/json.ts';
import { describeEachBeside } from '../support/describe-beside.ts';
import { pdf, png, upload, wav } from '../support/files.ts';
import { accepted, chunk, end, framesOf } from '../support/frames.ts';
import { givenProvider, MAX_STEPS } from './provided-stack.ts';
import type { Reply } from './provider-server.ts';
import { anthropic } from './wires/anthropic.ts';
import { bedrock } from './wires/bedrock.ts';
import { google } from './wires/google.ts';
import { openai } from './wires/openai.ts';
import { openaiCompatible } from './wires/openai-compatible.ts';
import type { SeenBlock, SeenMessage } from './wires/wire.ts';

/**
 * Whole turns over each provider's own wire: the SDK's real client, a provider on loopback, and a WebSocket in front.
 */

/** One pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const clock = { name: 'current_time', args: {} };
const wait = (seconds: number) => ({ name: 'wait', args: { seconds } });

/** One word per block, in the order of the prompt, whatever messages they are grouped in. */
const words = (prompt: readonly SeenMessage[] | undefined): string[] =>
  prompt?.flatMap(({ role, blocks }) => blocks.map((block) => word(role, block))) ?? [];

function word(role: SeenMessage['role'], block: SeenBlock): string {
  if ('text' in block) return `${role}: ${block.text}`;
  if ('image' in block) return `${role} shows: ${block.image}`;
  return 'call' in block ? `call ${block.name}` : `result`;
}

const roles = (prompt: readonly SeenMessage[] | undefined) => prompt?.map(({ role }) => role);

/** Of a JSON result that a wire carries as text. */
const parsed = (output: Json): Json => (typeof output === 'string' ? JSON.parse(output) : output);

describeEachBeside([bedrock, anthropic, openaiCompatible, openai, google], (wire) => {
  const stack = givenProvider(wire);

  /** By then each test has named what it expected of these. */
  afterEach(() => {
    expect(stack.takeComplaints()).toEqual([]);
  });

  async function ask(replies: readonly Reply[], content: Content = 'first') {
    const calls = stack.script(replies);
    const session = stack.newSession();
    const client = await stack.connect(session);
    client.send({ type: 'message', id: 'm1', content });
    return { calls, session, client };
  }

  it('P6: an answer with a batch of tools, steered meanwhile, goes on with both in view', async () => {
    const held = Promise.withResolvers<void>();
    const { calls, session, client } = await ask([
      {
        text: ['Let me ', held.promise, 'look.'],
        calls: [wait(0.5), clock, wait(0)],
        usage: { input: 100, output: 20 },
      },
      { text: ['Half past ', 'nine.'], usage: { input: 150, output: 7 } },
    ]);
    await chunk(client, 'Let me ');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    client.send({ type: 'message', id: 'm3', content: 'third' });
    await accepted(client, 'm3');
    held.resolve();
    expect(await end(client)).toMatchObject({
      type: 'done',
      full_response: 'Let me look.Half past nine.',
      input_tokens: 250,
      output_tokens: 27,
      last_input_tokens: 150,
      provider: wire.name,
      model: wire.model,
      steps: 2,
    });
    expect(framesOf(client, 'tool_call').map(({ name, args }) => [name, args])).toEqual([
      ['wait', { seconds: 0.5 }],
      ['current_time', {}],
      ['wait', { seconds: 0 }],
    ]);
    expect(calls).toHaveLength(2);
    expect(words(calls[0]?.prompt)).toEqual(['user: first']);
    expect(words(calls[1]?.prompt)).toEqual([
      'user: first',
      'assistant: Let me look.',
      'call wait',
      'call current_time',
      'call wait',
      'result',
      'result',
      'result',
      'user: second',
      'user: third',
    ]);
    expect(roles(calls[1]?.prompt)).toEqual(
      wire.alternates
        ? ['user', 'assistant', 'user']
        : ['user', 'assistant', ...(wire.joinsResults ? ['tool'] : ['tool', 'tool', 'tool']), 'user', 'user'],
    );
    const blocks = calls[1]?.prompt.flatMap((message) => message.blocks) ?? [];
    const first = blocks.find((block) => 'call' in block);
    const outputs = blocks.flatMap((block) =>
      'result' in block ? [[block.result, parsed(block.output)]] : [],
    );
    expect(first).toMatchObject({ args: { seconds: 0.5 } });
    expect(outputs).toContainEqual([first?.call, { waited_seconds: 0.5 }]);
    expect(await stack.stored.lines(session)).toEqual([
      'user: first',
      'assistant: Let me look.',
      'tool_call: wait',
      'tool_call: current_time',
      'tool_call: wait',
      'tool_result: current_time',
      'tool_result: wait',
      'tool_result: wait',
      'user: second',
      'user: third',
      'assistant: Half past nine.',
    ]);
  });

  it('an image by its URL and one in the frame reach the model as its provider takes them; nobody here fetches', async () => {
    const url = 'https://images.midturn.invalid/cat.png?size=1';
    const content: Content = [
      { type: 'text', text: 'what are these?' },
      { type: 'image', url },
      { type: 'image', media_type: 'image/png', data: PIXEL },
    ];
    const { calls, session, client } = await ask([{ text: ['A cat.'] }, { text: ['Yes.'] }], content);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'A cat.' });
    const shown = [
      'user: what are these?',
      wire.fetchesImages ? `user shows: ${url}` : `user: ${IMAGE_NOTE}`,
      `user shows: data:image/png;base64,${PIXEL}`,
    ];
    expect(words(calls[0]?.prompt)).toEqual(shown);
    expect(framesOf(client, 'applied').flatMap(({ messages }) => messages)).toEqual([{ id: 'm1', content }]);
    client.send({ type: 'message', id: 'm2', content: 'sure?' });
    await end(client, 2);
    expect(words(calls[1]?.prompt)).toEqual([...shown, 'assistant: A cat.', 'user: sure?']);
    expect((await stack.stored.transcript(session))[0]).toMatchObject({ role: 'user', content });
  });

  it('files reach the model as its provider takes them; what it takes none of is named', async () => {
    const calls = stack.script([{ text: ['Read.'] }]);
    const client = await stack.connect(stack.newSession());
    const files = [
      { media_type: 'application/pdf', name: 'the report_v1.2.pdf', bytes: pdf() },
      { media_type: 'image/png', bytes: png() },
      { media_type: 'audio/wav', name: 'voice.wav', bytes: wav() },
    ];
    const content: FilePart[] = [];
    for (const file of files) content.push(await upload(client, file));
    client.send({ type: 'message', id: 'm1', content });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Read.' });
    const [report, picture, voice] = files.map(
      ({ media_type, bytes }) => `user shows: data:${media_type};base64,${bytes.toString('base64')}`,
    );
    expect(words(calls[0]?.prompt)).toEqual([
      report,
      picture,
      wire.takesAudio
        ? voice
        : expect.stringContaining('a file here: "voice.wav", audio/wav. You were not given it'),
    ]);
  });

  it('an image that the provider refuses does not end the session: the model is told that there was one', async () => {
    const { calls, session, client } = await ask(
      [{ refusal: 'invalid' }, { text: ['I cannot see it.'] }, { text: ['Well.'] }],
      [{ type: 'image', media_type: 'image/png', data: PIXEL }],
    );
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'I cannot see it.' });
    expect(calls.map(({ prompt }) => words(prompt))).toEqual([
      [`user shows: data:image/png;base64,${PIXEL}`],
      [`user: ${IMAGE_NOTE}`],
    ]);
    expect(stack.log()).toContain('refused a prompt: it is sent again in another form');
    expect(framesOf(client, 'history_trimmed')).toMatchObject([
      { form: 'without_images', reason: 'rejected', dropped_messages: 0 },
    ]);
    expect(stack.log()).not.toContain(PIXEL);
    client.send({
      type: 'message',
      id: 'm2',
      content: [{ type: 'image', media_type: 'image/png', data: PIXEL }],
    });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'Well.' });
    // The refused image stays a note; one that is new is shown.
    expect(words(calls[2]?.prompt)).toEqual([
      `user: ${IMAGE_NOTE}`,
      'assistant: I cannot see it.',
      `user shows: data:image/png;base64,${PIXEL}`,
    ]);
    expect(await stack.stored.lines(session)).toHaveLength(4);
  });

  it('a diagnostic that quotes an image does so in no log', async () => {
    const { client } = await ask(
      [
        {
          refusal: 'unauthorised',
          detail: `Not for you: ${PIXEL} nor https://images.midturn.invalid/private.png`,
        },
      ],
      [
        { type: 'image', media_type: 'image/png', data: PIXEL },
        { type: 'image', url: 'https://images.midturn.invalid/private.png' },
      ],
    );
    expect(await end(client)).toMatchObject({ type: 'error', code: 'AUTH_ERROR' });
    expect(stack.log()).toContain('AUTH_ERROR');
    expect(stack.log()).not.toContain(PIXEL.slice(0, 24));
    expect(stack.log()).not.toContain('private.png');
  });

  it('P6: steering after a finished answer is answered in the same turn, and a later turn sees it all', async () => {
    const held = Promise.withResolvers<void>();
    const { calls, client } = await ask([
      { text: ['draft', held.promise] },
      { text: [' and more'] },
      { text: ['yes'] },
    ]);
    await chunk(client, 'draft');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    held.resolve();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'draft and more' });
    client.send({ type: 'message', id: 'm3', content: 'third' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'yes' });
    expect(words(calls[2]?.prompt)).toEqual([
      'user: first',
      'assistant: draft',
      'user: second',
      'assistant:  and more',
      'user: third',
    ]);
    expect(roles(calls[2]?.prompt)).toEqual(['user', 'assistant', 'user', 'assistant', 'user']);
  });

  it('an answer of nothing but white space leaves no empty text in later prompts', async () => {
    const { calls, client } = await ask([
      { text: ['\n\n'], calls: [clock] },
      { text: [' \n'] },
      { text: ['so'] },
    ]);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: '\n\n \n' });
    client.send({ type: 'message', id: 'm2', content: 'second' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'so' });
    // OpenAI gives each text an id, takes white space, and wants back what it gave.
    const said = (text: string) => (wire.name === 'openai' ? [`assistant: ${text}`] : []);
    const first = ['user: first', ...said('\n\n'), 'call current_time', 'result'];
    expect(words(calls[1]?.prompt)).toEqual(first);
    expect(words(calls[2]?.prompt)).toEqual([...first, ...said(' \n'), 'user: second']);
  });

  it('the last step that is allowed answers without tools, its prompt whole', async () => {
    const { calls, client } = await ask([{ calls: [clock] }, { calls: [clock] }, { text: ['enough'] }]);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'enough', steps: MAX_STEPS });
    expect(calls.map(({ body }) => wire.forbidsTools(body))).toEqual([false, false, true]);
    expect(words(calls[2]?.prompt)).toEqual([
      'user: first',
      'call current_time',
      'result',
      'call current_time',
      'result',
    ]);
  });

  describe.each(['throttled', 'overloaded'] as const)('%s before any output', (refusal) => {
    it('P3: is tried again without a trace', async () => {
      const { calls, session, client } = await ask([{ refusal }, { text: ['answer'] }]);
      expect(await end(client)).toMatchObject({ type: 'done', full_response: 'answer', steps: 1 });
      expect(calls).toHaveLength(2);
      expect(calls[1]?.body).toEqual(calls[0]?.body);
      expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: answer']);
    });

    it('P13: after a batch of tools is tried again, and no tool runs twice', async () => {
      const { calls, client } = await ask([
        { text: ['Hm. '], calls: [clock] },
        { refusal },
        { text: ['answer'] },
      ]);
      expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Hm. answer', steps: 2 });
      expect(framesOf(client, 'tool_result')).toHaveLength(1);
      expect(calls[2]?.body).toEqual(calls[1]?.body);
    });
  });

  it.each(['throttled', 'overloaded', 'model_error', 'cut', 'half_frame'] as const)(
    'P3: %s in mid-answer: what was said stays, the error is terminal and retryable, the next turn goes on from it',
    async (how) => {
      const { calls, session, client } = await ask([
        { text: ['half of', ' it'], end: how },
        { text: ['the rest'] },
      ]);
      expect(await end(client)).toMatchObject({
        type: 'error',
        code: 'PROVIDER_ERROR',
        terminal: true,
        retryable: true,
        full_response: 'half of it',
      });
      expect(calls).toHaveLength(1);
      expect(await stack.stored.lines(session)).toEqual(['user: first', 'assistant: half of it']);
      client.send({ type: 'message', id: 'm2', content: 'go on' });
      expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'the rest' });
      expect(words(calls[1]?.prompt)).toEqual(['user: first', 'assistant: half of it', 'user: go on']);
    },
  );

  it.each(['model_error', 'cut', 'half_frame'] as const)(
    'P13: of an answer that %s ends after a call was written, no call is run',
    async (how) => {
      const { client } = await ask([{ text: ['half'], calls: [clock], end: how }]);
      expect(await end(client)).toMatchObject({ type: 'error', full_response: 'half', retryable: true });
      expect(framesOf(client, 'tool_call')).toEqual([]);
    },
  );

  it('AUTH_ERROR: credentials that are refused are not tried again, and what proves them stays unseen', async () => {
    const secrets = wire.secrets;
    const { calls, session, client } = await ask([
      { refusal: 'unauthorised', detail: `You sent ${secrets.map(({ as }) => as).join(' and ')}.` },
      { text: ['better'] },
    ]);
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'AUTH_ERROR',
      full_response: '',
      retryable: false,
    });
    expect(calls).toHaveLength(1);
    expect(stack.log()).toContain('AUTH_ERROR');
    const everywhere = [JSON.stringify(client.frames), stack.log(), await stack.stored.everything()].join();
    expect(secrets.filter(({ value }) => everywhere.includes(value))).toEqual([]);
    // Two messages of the user in a row are one message where roles must alternate, and both are seen.
    expect(await stack.stored.lines(session)).toEqual(['user: first']);
    client.send({ type: 'message', id: 'm2', content: 'second' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'better' });
    expect(words(calls[1]?.prompt)).toEqual(['user: first', 'user: second']);
  });

  it.each([
    ['a prompt that is too long', 'overlong'],
    ['a request that is not valid', 'invalid'],
  ] as const)('PROVIDER_ERROR: %s is tried once more, without tools', async (_what, refusal) => {
    const { calls, client } = await ask([{ refusal }, { refusal }]);
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'PROVIDER_ERROR',
      full_response: '',
      retryable: false,
    });
    expect(calls.map(({ body }) => /"(tools|toolConfig)":/.test(JSON.stringify(body)))).toEqual([
      true,
      false,
    ]);
  });

  it('PROVIDER_ERROR: an answer that a filter withheld is not tried again', async () => {
    const { calls, client } = await ask([{ end: 'withheld' }]);
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'PROVIDER_ERROR',
      full_response: '',
      retryable: false,
    });
    expect(calls).toHaveLength(1);
  });
});
