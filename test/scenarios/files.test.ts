import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Content } from '../../core/content.ts';
import { buildVariant } from '../conformance/variant-bundles.ts';
import { askForUpload, download, html, pdf, png, putTo, upload, wav } from '../support/files.ts';
import { accepted, end, framesOf } from '../support/frames.ts';
import { givenStack } from '../support/stack.ts';
import type { WsClient } from '../support/ws-client.ts';

/** Its tools make files. */
const AGENT = `
import { tool } from 'ai';
import { defineAgent, modelFile, toolContext } from 'midturn/agent';
import { z } from 'zod';

const draw = tool({
  description: 'Draws.',
  inputSchema: z.object({}),
  contextSchema: toolContext,
  execute: async (_, { context }) => {
    const bytes = Buffer.concat([Buffer.from('iVBORw0KGgo=', 'base64')], 100_000);
    return { done: true, map: await context.files.put({ name: 'la carte.png', mediaType: 'image/png', bytes }) };
  },
  toModelOutput: ({ output }) => ({ type: 'content', value: [modelFile(output.map)] }),
});

const show = tool({
  description: 'Shows the model a file.',
  inputSchema: z.object({ file: z.string() }),
  execute: ({ file }) => file,
  toModelOutput: ({ output }) => ({
    type: 'content',
    value: [modelFile({ type: 'file', file: output, media_type: 'image/png', size: 100_000 })],
  }),
});

export const agent = defineAgent({ instructions: 'Answer briefly.', tools: { draw, show } });
`;
const folder = join(import.meta.dirname, '../../dist/agent-of-the-files');
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

const stack = givenStack({
  bundles: () => buildVariant({ files: { 'agent/agent.ts': AGENT } }, folder),
  settings: {
    MIDTURN_AUTH: 'tokens',
    MIDTURN_TOKENS: 'token-ann=acme/ann,token-bob=acme/bob',
    MIDTURN_FILE_BYTES: '2000000',
    MIDTURN_DAY_FILE_BYTES: '4000000',
  },
});
const as = (subject: 'ann' | 'bob') => ({
  principal: { tenant: 'acme', subject },
  query: { token: `token-${subject}` },
});
async function refusalOf(client: WsClient, id: string) {
  const find = () => framesOf(client, 'error').find((error) => 'id' in error && error.id === id);
  await client.waitFor(() => find() !== undefined);
  return find();
}

const report = { media_type: 'application/pdf', name: 'rapport é.pdf', bytes: pdf() };

it('P1 P10: a file goes to the bucket, its reference is in applied and transcript as sent, and the model has its bytes', async () => {
  const model = stack.script([{ chunks: ['Read.'] }, { chunks: ['Again.'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session, as('ann'));
  const part = await upload(client, report);
  const content: Content = [{ type: 'text', text: 'Sum it up.' }, part];
  client.send({ type: 'message', id: 'm1', content });
  client.send({ type: 'message', id: 'm1', content });
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Read.' });
  await client.waitFor(() => framesOf(client, 'accepted').filter(({ id }) => id === 'm1').length === 2);
  const shown = `[file rapport é.pdf ${report.bytes.toString('base64')}]`;
  expect(model.prompt(1)).toEqual([`user: Sum it up. ${shown}`]);
  expect(framesOf(client, 'applied').flatMap(({ messages }) => messages)).toEqual([{ id: 'm1', content }]);
  client.send({ type: 'message', id: 'm2', content: 'Once more.' });
  await client.waitFor(() => framesOf(client, 'done').length === 2);
  expect(model.prompt(2)[0]).toBe(`user: Sum it up. ${shown}`);
  expect(await stack.stored.transcript(session, as('ann').principal)).toMatchObject([
    { content },
    {},
    {},
    {},
    {},
    {},
  ]);

  const read = await download(client, part.file);
  expect(Buffer.from(await read.arrayBuffer()).equals(report.bytes)).toBe(true);
  expect(Object.fromEntries(read.headers)).toMatchObject({
    'content-type': 'application/pdf',
    'content-disposition': `inline; filename="rapport _.pdf"; filename*=UTF-8''rapport%20%C3%A9.pdf`,
  });
});

it('an address takes exactly what was announced, and once', async () => {
  const client = await stack.connect(stack.newSession(), as('ann'));
  const address = await askForUpload(client, { media_type: 'image/png', bytes: png() });
  const status = async (bytes: Buffer, headers = {}) => (await putTo(address, bytes, headers)).status;
  expect(await status(png(201))).toBe(403);
  expect(await status(png(), { 'content-type': 'text/html' })).toBe(403);
  expect(await status(png())).toBe(200);
  expect(await status(html(200))).toBe(412);
});

it('P2: a message is refused whose file is not there, or is not what was said of it', async () => {
  stack.script([]);
  const session = stack.newSession();
  const client = await stack.connect(session, as('ann'));
  const send = async (id: string, part: Content, code: 'FILE_NOT_FOUND' | 'FILE_REFUSED') => {
    client.send({ type: 'message', id, content: part });
    expect(await refusalOf(client, id)).toMatchObject({ code, terminal: false, retryable: false });
  };
  const { file } = await askForUpload(client, { media_type: 'image/png', bytes: png() });
  const unsent = { type: 'file', file, media_type: 'image/png', size: 200 } as const;
  await send('m1', [unsent], 'FILE_NOT_FOUND');
  await send('m2', [{ ...unsent, file: 'unheard-of' }], 'FILE_NOT_FOUND');
  const disguised = await upload(client, { media_type: 'image/png', bytes: html() });
  await send('m-disguised', [disguised], 'FILE_REFUSED');
  client.send({ type: 'download', id: 'd1', file: disguised.file });
  expect(await refusalOf(client, 'd1')).toMatchObject({ code: 'FILE_NOT_FOUND' });
  const sound = await upload(client, { media_type: 'audio/wav', bytes: wav() });
  await send('m4', [{ ...sound, size: 401 }], 'FILE_REFUSED');
  await send('m5', [{ ...sound, media_type: 'image/png' }], 'FILE_REFUSED');
  expect(await stack.stored.everything()).not.toContain('m-disguised');
});

it('an upload is refused that is too large, of another type, or more than a day may have', async () => {
  const client = await stack.connect(stack.newSession(), as('bob'));
  const ask = (id: string, media_type: string, size: number) =>
    client.send({ type: 'upload', id, media_type, size });
  ask('u1', 'image/svg+xml', 100);
  expect(await refusalOf(client, 'u1')).toMatchObject({ code: 'FILE_REFUSED', path: 'media_type' });
  ask('u2', 'image/png', 2_000_001);
  expect(await refusalOf(client, 'u2')).toMatchObject({
    code: 'FILE_REFUSED',
    limit: 2_000_000,
    depth: 2_000_001,
  });
  ask('u3', 'image/png', 2_000_000);
  ask('u4', 'image/png', 1_900_000);
  await client.next('upload');
  await client.next('upload');
  ask('u5', 'image/png', 200_000);
  expect(await refusalOf(client, 'u5')).toMatchObject({ code: 'BUDGET_EXCEEDED', limit: 4_000_000 });
});

it("P12: another principal's file, and that of another session, are absent", async () => {
  stack.script(() => ({ chunks: ['ok'] }));
  const session = stack.newSession();
  const ann = await stack.connect(session, as('ann'));
  const part = await upload(ann, report);
  ann.send({ type: 'message', content: [part] });
  await end(ann);
  for (const [who, id] of [
    ['bob', session],
    ['ann', stack.newSession()],
  ] as const) {
    const other = await stack.connect(id, as(who));
    other.send({ type: 'message', id: 'm1', content: [part] });
    expect(await refusalOf(other, 'm1')).toMatchObject({ code: 'FILE_NOT_FOUND' });
    other.send({ type: 'download', id: 'd1', file: part.file });
    expect(await refusalOf(other, 'd1')).toMatchObject({ code: 'FILE_NOT_FOUND' });
  }
});

it('the deletion of a session deletes its files, and no address is given for them any more', async () => {
  stack.script(() => ({ chunks: ['ok'] }));
  const session = stack.newSession();
  const client = await stack.connect(session, as('ann'));
  const part = await upload(client, report);
  client.send({ type: 'message', id: 'm1', content: [part] });
  await accepted(client, 'm1');
  await end(client);
  client.send({ type: 'download', id: 'd1', file: part.file });
  const { url } = await client.next('download');
  client.send({ type: 'delete', session_id: session });
  await client.next('deleted');
  // Its item stays until no address is good any more.
  client.send({ type: 'download', id: 'd2', file: part.file });
  expect(await refusalOf(client, 'd2')).toMatchObject({ code: 'SESSION_DELETED' });
  await expect.poll(async () => (await fetch(url)).status).not.toBe(200);
});

it('a file of a tool is the session’s: its model has it, its clients read it, others do not, and it goes with the session', async () => {
  const model = stack.script([{ toolCalls: [{ id: 'c1', name: 'draw', args: {} }] }, { chunks: ['Drawn.'] }]);
  const session = stack.newSession();
  const client = await stack.connect(session, as('ann'));
  client.send({ type: 'message', content: 'draw' });
  expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Drawn.' });
  const [result] = framesOf(client, 'tool_result');
  const { map } = JSON.parse(result?.output ?? '');
  expect(map).toMatchObject({ type: 'file', media_type: 'image/png', size: 100_000, name: 'la carte.png' });
  const bytes = png(100_000);
  expect(model.prompt(2).at(-1)).toContain(bytes.toString('base64'));
  const address = await download(client, map.file);
  expect(Buffer.from(await address.arrayBuffer()).equals(bytes)).toBe(true);

  // Of another principal, that knows its reference: neither its client nor its model has it.
  const theirs = stack.script([
    { toolCalls: [{ id: 'c1', name: 'show', args: { file: map.file } }] },
    { chunks: ['Nothing.'] },
  ]);
  const other = await stack.connect(session, as('bob'));
  other.send({ type: 'download', id: 'd1', file: map.file });
  expect(await refusalOf(other, 'd1')).toMatchObject({ code: 'FILE_NOT_FOUND' });
  other.send({ type: 'message', content: 'show' });
  await end(other);
  expect(theirs.prompt(2).at(-1)).toContain('The tool gave a file here: image/png. You were not given it');

  client.send({ type: 'delete', session_id: session });
  await client.next('deleted');
  await expect.poll(async () => (await fetch(address.url)).status).not.toBe(200);
});

it('P12: a fork has the files of its entries for itself: its model, its clients; a deletion of the origin leaves them, its own does not', async () => {
  const model = stack.script([
    { toolCalls: [{ id: 'c1', name: 'draw', args: {} }] },
    { chunks: ['Drawn.'] },
    { chunks: ['Again.'] },
  ]);
  const [session, fork] = [stack.newSession(), stack.newSession()];
  const client = await stack.connect(session, as('ann'));
  const part = await upload(client, report);
  client.send({ type: 'message', id: 'm1', content: [part] });
  await end(client);
  const { map } = JSON.parse(framesOf(client, 'tool_result')[0]?.output ?? '');
  client.send({ type: 'fork', session_id: fork, from: session });
  await client.next('forked');
  client.send({ type: 'delete', session_id: session });
  await client.next('deleted');

  const here = await stack.connect(fork, as('ann'));
  here.send({ type: 'message', content: 'Once more.' });
  await end(here);
  const prompt = model.prompt(3).join();
  for (const bytes of [report.bytes, png(100_000)]) expect(prompt).toContain(bytes.toString('base64'));
  const addresses = [await download(here, part.file), await download(here, map.file)];
  expect(addresses.map(({ status }) => status)).toEqual([200, 200]);
  // Another principal has no session of that id, and a session of its own by that id has no such file.
  const bob = await stack.connect(fork, as('bob'));
  bob.send({ type: 'download', id: 'd1', file: part.file });
  expect(await refusalOf(bob, 'd1')).toMatchObject({ code: 'FILE_NOT_FOUND' });

  here.send({ type: 'delete', session_id: fork });
  await here.next('deleted');
  for (const { url } of addresses) await expect.poll(async () => (await fetch(url)).status).not.toBe(200);
});
