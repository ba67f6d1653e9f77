import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, describe, expect, it } from 'vitest';
import { deleteItems, itemsOf } from '../../infra/principal-items.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { accepted, chunk, end, eventsOf } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { givenStack } from '../support/stack.ts';
import { connect, type WsClient } from '../support/ws-client.ts';

const folder = join(import.meta.dirname, '../../dist/agent-of-one-mind');

/** An agent whose answers may be cached: at temperature 0, without tools. */
const AGENT = `
import { defineAgent } from 'midturn/agent';
import * as z from 'zod';

export const agent = defineAgent({
  instructions: ({ caller }) => ['Answer briefly.', caller.options?.style ?? []].flat().join(' '),
  callOptionsSchema: z.object({ style: z.string().optional() }),
  settings: { temperature: 0 },
  tools: {},
});
`;
const build = (folder: string) => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder);

const ANN = { tenant: 'acme', subject: 'ann' };
const BOB = { tenant: 'acme', subject: 'bob' };
const EVE = { tenant: 'other', subject: 'eve' };
/** Ann's name in another tenant. */
const OTHER_ANN = { tenant: 'other', subject: 'ann' };

const settings = (scope: string) => ({
  MIDTURN_RESPONSE_CACHE: scope,
  MIDTURN_AUTH: 'tokens',
  MIDTURN_TOKENS: 'of-ann=acme/ann,of-bob=acme/bob,of-eve=other/eve,of-other-ann=other/ann',
});

describe('MIDTURN_RESPONSE_CACHE=tenant', () => {
  const stack = givenStack({ settings: settings('tenant'), bundles: () => build(folder) });
  afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

  const open = (principal = ANN, session = stack.newSession()) =>
    stack.connect(session, { query: { token: `of-${principal.subject}` }, principal });
  const ask = async (client: WsClient, content: string, n = 1) => {
    client.send({ type: 'message', id: `m${n}`, content });
    return end(client, n);
  };

  it('P12: who is deleted leaves no word behind, and no answer that is still served to others', async () => {
    const question = 'Where does Ann Quillfeather live?';
    const model = stack.script([{ chunks: ['In Zweibrückenstraße 5.'] }, { chunks: ['Nobody knows.'] }]);
    for (const session of [stack.newSession(), stack.newSession()]) {
      // Not a client of the stack, which would look for the session's transcript.
      const client = await connect(`${stack.cloud.url}?session_id=${session}&token=of-ann`);
      await ask(client, question);
      await client.close();
      await stack.stored.transcript(session, ANN);
    }
    expect(model.requests).toHaveLength(1);
    expect(await stack.stored.everything()).toContain('Zweibrückenstraße');

    const { endpoint, credentials, tableName } = stack.cloud.dynamodb;
    const client = DynamoDBDocumentClient.from(
      new DynamoDBClient({ endpoint, credentials, region: 'us-east-1' }),
    );
    await deleteItems(client, tableName, itemsOf(client, tableName, ANN));
    client.destroy();

    const left = await stack.stored.everything();
    for (const word of ['Quillfeather', 'Zweibrückenstraße']) expect(left).not.toContain(word);
    expect(await ask(await open(BOB), question)).toMatchObject({ full_response: 'Nobody knows.' });
  });

  it('P12: an answer is given again only where the instructions of the turn are the same, and to nobody of another tenant', async () => {
    const model = stack.script((_, index) => ({ chunks: [`answer ${index}`] }));
    const answers: unknown[] = [];
    for (const [principal, style] of [
      [ANN, 'Rhyme.'],
      [BOB, 'Be formal.'],
      [OTHER_ANN, 'Rhyme.'],
      [BOB, 'Rhyme.'],
      [ANN, undefined],
    ] as const) {
      const session = stack.newSession();
      const token = principal === OTHER_ANN ? 'of-other-ann' : `of-${principal.subject}`;
      const client = await stack.connect(session, { query: { token }, principal });
      const options = style === undefined ? {} : { options: { style } };
      client.send({ type: 'message', content: 'What rhymes with soup?', ...options });
      answers.push((await end(client)).full_response);
    }
    expect(answers).toEqual(['answer 0', 'answer 1', 'answer 2', 'answer 0', 'answer 3']);
    expect(model.requests).toHaveLength(4);
  });

  it('P3: the same transcript is answered without a model: a turn like any other, stored like any other', async () => {
    const model = stack.script([{ chunks: ['A ', 'soup.'] }, { chunks: ['Of lentils.'] }]);
    const first = await open();
    expect(await ask(first, 'What?')).not.toHaveProperty('cached');
    await ask(first, 'Which?', 2);
    const session = stack.newSession();
    const second = await open(BOB, session);
    expect(await ask(second, 'What?')).toMatchObject({
      type: 'done',
      cached: true,
      full_response: 'A soup.',
      input_tokens: 0,
      output_tokens: 0,
      steps: 1,
      model: 'scripted',
    });
    // The second question is the same too, since everything before it is.
    expect(await ask(second, 'Which?', 2)).toMatchObject({ cached: true, full_response: 'Of lentils.' });
    expect(eventsOf(second).map(({ type }) => type)).toEqual([
      ...['turn_start', 'applied', 'chunk', 'done'],
      ...['turn_start', 'applied', 'chunk', 'done'],
    ]);
    expect(model.requests).toHaveLength(2);
    expect(await stack.stored.lines(session, BOB)).toEqual([
      'user: What?',
      'assistant: A soup.',
      'user: Which?',
      'assistant: Of lentils.',
    ]);
  });

  it('P12: another question, another past, or another tenant is another transcript', async () => {
    const model = stack.script((_, index) => ({ chunks: [`answer ${index}`] }));
    await ask(await open(), 'How?');
    expect(await ask(await open(), 'How? ')).not.toHaveProperty('cached');
    expect(await ask(await open(EVE), 'How?')).not.toHaveProperty('cached');
    const other = await open();
    await ask(other, 'Hello');
    expect(await ask(other, 'How?', 2)).not.toHaveProperty('cached');
    expect(model.requests).toHaveLength(5);
  });

  it('P1 P7: a message that arrives during a hit is answered, after all of the known answer', async () => {
    // So long that it takes several commits.
    const known = 'Known. '.repeat(30_000);
    const model = stack.script([{ chunks: [known] }, { chunks: ['And more.'] }]);
    await ask(await open(), 'Why?');
    const session = stack.newSession();
    const client = await open(ANN, session);
    client.send({ type: 'message', id: 'm1', content: 'Why?' });
    await client.waitFor((frame) => frame.type === 'chunk');
    client.send({ type: 'message', id: 'm2', content: 'Really?' });
    await accepted(client, 'm2');
    await client.waitFor((frame) => frame.type === 'chunk' && frame.content === 'And more.');
    const lines = await stack.stored.lines(session, ANN);
    expect(lines[0]).toBe('user: Why?');
    expect(lines.slice(1, -2).join('').replaceAll('assistant: ', '')).toBe(known);
    expect(lines.slice(-2)).toEqual(['user: Really?', 'assistant: And more.']);
    expect(model.requests).toHaveLength(2);
  });

  it('keeps no answer that was steered, stopped or cut', async () => {
    const gate = createGate();
    const script = [{ chunks: ['Half', gate, ' of it.'] }, { chunks: [' Rest.'] }, { chunks: ['Whole.'] }];
    const model = stack.script(script);
    const first = await open();
    first.send({ type: 'message', id: 'm1', content: 'Where?' });
    await chunk(first, 'Half');
    first.send({ type: 'message', id: 'm2', content: 'Really?' });
    await accepted(first, 'm2');
    gate.open();
    await end(first);
    expect(await ask(await open(), 'Where?')).toMatchObject({ full_response: 'Whole.' });
    expect(model.requests).toHaveLength(3);

    const held = createGate();
    stack.script([{ chunks: ['Half', held] }, { chunks: ['Whole.'] }]);
    const stopped = await open();
    stopped.send({ type: 'message', id: 'm1', content: 'When?' });
    await chunk(stopped, 'Half');
    stopped.send({ type: 'abort' });
    expect(await end(stopped)).toMatchObject({ type: 'aborted' });
    held.open();
    const after = await ask(await open(), 'When?');
    expect(after).toMatchObject({ full_response: 'Whole.' });
    expect(after).not.toHaveProperty('cached');
  });

  it('nor one to an image', async () => {
    const model = stack.script((_, index) => ({ chunks: [`answer ${index}`] }));
    for (let n = 1; n <= 2; n++) {
      const client = await open();
      client.send({
        type: 'message',
        id: 'm1',
        content: [{ type: 'image', media_type: 'image/png', data: 'AAAA' }],
      });
      expect(await end(client)).not.toHaveProperty('cached');
    }
    expect(model.requests).toHaveLength(2);
  });

  it('what was answered in a session goes with it', async () => {
    stack.script([{ chunks: ['nobody but me'] }]);
    const session = stack.newSession();
    const client = await open(ANN, session);
    await ask(client, 'Who?');
    // It is kept beside the last frames.
    await expect.poll(() => stack.stored.everything()).toContain('"text":"nobody but me"');
    client.send({ type: 'delete', session_id: session });
    await client.next('deleted');
    await expect.poll(() => stack.stored.everything()).not.toContain('nobody but me');
  });
});

describe('MIDTURN_RESPONSE_CACHE=principal', () => {
  const own = join(import.meta.dirname, '../../dist/agent-of-one-mind-alone');
  const stack = givenStack({ settings: settings('principal'), bundles: () => build(own) });
  afterAll(() => rm(own, { recursive: true, force: true, maxRetries: 10 }));

  it('P12: an answer stands for others of the same principal alone', async () => {
    const model = stack.script((_, index) => ({ chunks: [`answer ${index}`] }));
    const ask = async (principal: typeof ANN, token = `of-${principal.subject}`) => {
      const query = { token };
      const client = await stack.connect(stack.newSession(), { query, principal });
      client.send({ type: 'message', id: 'm1', content: 'How?' });
      return end(client);
    };
    await ask(ANN);
    expect(await ask(BOB)).not.toHaveProperty('cached');
    expect(await ask(OTHER_ANN, 'of-other-ann')).not.toHaveProperty('cached');
    expect(await ask(ANN)).toMatchObject({ cached: true, full_response: 'answer 0' });
    expect(model.requests).toHaveLength(3);
  });
});
