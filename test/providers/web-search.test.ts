import { afterEach, expect, it } from 'vitest';
import { describeBeside, describeEachBeside } from '../support/describe-beside.ts';
import { accepted, end, eventsOf, framesOf } from '../support/frames.ts';
import { killWorker } from '../support/workers.ts';
import { givenFallback, givenProvider } from './provided-stack.ts';
import type { Reply, SeenCall } from './provider-server.ts';
import { searchingAgent } from './searching-agent.ts';
import { anthropic } from './wires/anthropic.ts';
import { google } from './wires/google.ts';
import { openai } from './wires/openai.ts';
import type { SeenBlock } from './wires/wire.ts';

/**
 * Web searches that the provider runs within its answer, over each provider's own wire. What was found is in the events, in the
 * transcript, and in the next prompt: as the provider gave it for its own model, in words for another one.
 */

const PAGE = { url: 'https://example.com/tide', title: 'Tides' };
const OTHER = { url: 'https://example.org/moon', title: 'The moon' };
const search = { searches: 'tide today', finds: [PAGE, OTHER] };
const clock = { name: 'current_time', args: {} };
const wait = (seconds: number) => ({ name: 'wait', args: { seconds } });

const word = (block: SeenBlock): string => {
  if ('text' in block) return block.text;
  if ('thought' in block) return `(${block.thought})`;
  if ('ran' in block) return `ran ${block.query}`;
  if ('found' in block) return `found ${block.urls.length}`;
  if ('call' in block) return `call ${block.name}`;
  return 'result' in block ? 'result' : 'image';
};
const words = (call: SeenCall | undefined): string[] =>
  call?.prompt.flatMap(({ blocks }) => blocks.map(word)) ?? [];

const agent = searchingAgent('web-search');
const FOUND = ['ran tide today', 'found 2'];

describeEachBeside([anthropic, openai, google], (wire) => {
  const stack = givenProvider(wire, { MIDTURN_VISIBILITY_SECONDS: '2', MIDTURN_MAX_STEPS: '6' }, agent);
  const connected = async (replies: readonly Reply[]) => {
    const calls = stack.script(replies);
    const session = stack.newSession();
    const client = await stack.connect(session);
    // Events that a killed worker has posted come again: a client that resumes drops them.
    client.send({ type: 'connect' });
    await client.waitFor('connected');
    client.send({ type: 'message', content: 'first' });
    return { calls, client };
  };
  afterEach(() => {
    expect(stack.takeComplaints()).toEqual([]);
  });

  it('P13: a search is a call with its result, and its sources are events and entries of the transcript', async () => {
    const { client } = await connected([{ text: ['I look. ', search, 'High at noon.'] }]);
    expect(await end(client)).toMatchObject({
      type: 'done',
      full_response: 'I look. High at noon.',
      steps: 1,
    });
    const [call] = framesOf(client, 'tool_call');
    const [result] = framesOf(client, 'tool_result');
    expect(call?.provider_executed).toBe(true);
    expect(result).toMatchObject({ id: call?.id, provider_executed: true });
    expect(result?.output).not.toMatch(/encrypted/i);
    const sources = framesOf(client, 'source');
    expect(sources.map(({ source_id, url }) => [source_id, url])).toEqual([
      ['source-1', PAGE.url],
      ['source-2', OTHER.url],
    ]);
    const types = eventsOf(client).map(({ type }) => type);
    expect(types.indexOf('source')).toBeGreaterThan(types.lastIndexOf('chunk'));
    client.send({ type: 'history' });
    const { entries } = await client.waitFor('history');
    expect(entries.map((entry) => (entry.role === 'event' ? entry.event.type : entry.role))).toEqual([
      'user',
      'assistant',
      'tool_call',
      'tool_result',
      'assistant',
      'source',
      'source',
      'done',
    ]);
  });

  it('P11: the next turn’s prompt has the search as the provider gave it', async () => {
    const { calls, client } = await connected([
      { text: ['I look. ', search, 'High at noon.'] },
      { text: ['At six.'] },
    ]);
    await end(client);
    client.send({ type: 'message', content: 'and low?' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'At six.' });
    // Google's package keeps a text open while a search runs.
    const answer =
      wire === google ? ['I look. High at noon.', ...FOUND] : ['I look. ', ...FOUND, 'High at noon.'];
    expect(words(calls[1])).toEqual(['first', ...answer, 'and low?']);
  });

  it('P11: thoughts, a search, a call and steering come back in their order', async () => {
    const { calls, client } = await connected([
      { text: [{ thinks: 'I must look.' }, search, 'Found. '], calls: [wait(1)] },
      { text: ['Noon.'] },
    ]);
    await client.waitFor((frame) => frame.type === 'tool_call' && frame.name === 'wait');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Found. Noon.' });
    expect(words(calls[1])).toEqual([
      'first',
      '(I must look.)',
      ...FOUND,
      'Found. ',
      'call wait',
      'result',
      'second',
    ]);
  });

  it('P8, P11: a worker that is killed after a search leaves what was found to the next one', async () => {
    const held = Promise.withResolvers<void>();
    const { calls, client } = await connected([
      { text: ['I look. ', search, 'High ', held.promise] },
      { text: ['at noon.'] },
      { text: ['At six.'] },
    ]);
    await client.waitFor((frame) => frame.type === 'chunk' && frame.content.includes('High'));
    await killWorker(stack.cloud);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'I look. High at noon.' });
    held.resolve();
    const said = words(calls[1]).join(' ');
    expect(said).toContain('I look. High');
    expect(said).toMatch(/was run with .* and gave: .*example\.com\/tide/s);
    client.send({ type: 'message', content: 'and low?' });
    await end(client, 2);
    const later = words(calls[2]).join(' ');
    for (const part of [/I look\. High/, /example\.com\/tide/, /at noon\./, /and low\?$/])
      expect(later).toMatch(part);
  });

  it('P13: a worker that is killed in mid-search leaves a result that says so', async () => {
    const held = Promise.withResolvers<void>();
    const open = wire === anthropic ? { searches: 'tide today' } : search;
    const { client } = await connected([{ text: ['I look. ', open, held.promise] }, { text: ['Noon.'] }]);
    await client.waitFor('tool_call');
    await killWorker(stack.cloud);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'I look. Noon.' });
    held.resolve();
    const events = eventsOf(client);
    const ids = (of: 'tool_call' | 'tool_result') =>
      events.flatMap((event) => (event.type === of ? [event.id] : []));
    expect(ids('tool_call')).toHaveLength(1);
    expect(ids('tool_result')).toEqual(ids('tool_call'));
  });
});

describeBeside('an answer that its provider pauses within a search', () => {
  const stack = givenProvider(anthropic, { MIDTURN_MAX_STEPS: '6' }, agent);
  const open = { searches: 'tide today', id: 'a' };
  const found = { found: 'a', finds: [PAGE] };
  afterEach(() => {
    expect(stack.takeComplaints()).toEqual([]);
  });
  const start = async (replies: readonly Reply[]) => {
    const calls = stack.script(replies);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    return { calls, client };
  };

  it('goes on from it: the result is that of the earlier call', async () => {
    const { calls, client } = await start([
      { text: [{ thinks: 'Hm.' }, 'I look. ', open], end: 'paused' },
      { text: [found, 'Noon.'] },
      { text: ['Six.'] },
    ]);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'I look. Noon.', steps: 2 });
    expect(words(calls[1])).toEqual(['first', '(Hm.)', 'I look. ', 'ran tide today']);
    const [call] = framesOf(client, 'tool_call');
    expect(framesOf(client, 'tool_result')).toMatchObject([{ id: call?.id, provider_executed: true }]);
    client.send({ type: 'message', content: 'second' });
    await end(client, 2);
    expect(words(calls[2])).toEqual([
      'first',
      '(Hm.)',
      'I look. ',
      'ran tide today',
      'found 1',
      'Noon.',
      'second',
    ]);
  });

  it('P6, P13: a message that comes meanwhile is read, and the search is left out of the prompt', async () => {
    const held = Promise.withResolvers<void>();
    const { calls, client } = await start([
      { text: [{ thinks: 'Hm.' }, 'I look. ', { thinks: 'Where?' }, open, held.promise], end: 'paused' },
      { text: ['Noon.'] },
    ]);
    await client.waitFor('tool_call');
    client.send({ type: 'message', id: 'm2', content: 'second' });
    await accepted(client, 'm2');
    held.resolve();
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'I look. Noon.' });
    expect(words(calls[1])).toEqual(['first', '(Hm.)', 'I look. ', 'second']);
    expect(framesOf(client, 'tool_result')).toMatchObject([
      { is_error: true, output: 'The provider gave no result.' },
    ]);
  });

  it('beside a call of the agent’s tool, has its result in the next answer', async () => {
    const { calls, client } = await start([
      { text: ['I look. ', open], calls: [clock] },
      { text: [found, 'Noon.'] },
    ]);
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'I look. Noon.' });
    expect(words(calls[1])).toEqual(['first', 'I look. ', 'ran tide today', 'call current_time', 'result']);
    const calls_ = framesOf(client, 'tool_call').map(({ id }) => id);
    expect(
      framesOf(client, 'tool_result')
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(calls_.toSorted());
  });
});

const FALLBACKS = [
  [anthropic, openai],
  [openai, google],
  [google, anthropic],
] as const;
const named = FALLBACKS.map(([wire, other]) => ({
  name: `${wire.name} with ${other.name} as its fallback`,
  wire,
  other,
}));
describeEachBeside(named, ({ wire, other }) => {
  const { stack, fallback } = givenFallback(wire, other, agent);

  it('P11: the fallback model is told in words what was found, and is offered its own search', async () => {
    stack.script([
      { text: ['I look. ', search, 'Found. '], calls: [clock] },
      ...Array.from({ length: 3 }, (): Reply => ({ refusal: 'overloaded' })),
    ]);
    const second = fallback.script([{ text: [search, 'Noon.'] }]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({
      type: 'done',
      full_response: 'I look. Found. Noon.',
      model: other.model,
    });
    const told = words(second[0]).join(' ');
    expect(told).toMatch(/was run with .* and gave: .*example\.com\/tide/s);
    expect(told).toContain(`Source: `);
    expect(framesOf(client, 'source')).toHaveLength(4);
    expect([stack.takeComplaints(), fallback.takeComplaints()]).toEqual([[], []]);
  });
});

describeBeside('a turn that outlives its function', () => {
  const stack = givenProvider(
    anthropic,
    { MIDTURN_TURN_TIMEOUT_SECONDS: '10', MIDTURN_VISIBILITY_SECONDS: '60' },
    agent,
  );

  it('P11: leaves to the next invocation a search of a finished call, and of a cut one what was found', async () => {
    const held = Promise.withResolvers<void>();
    const calls = stack.script([
      { text: [search], calls: [clock] },
      { text: ['So. ', { searches: 'moon', finds: [OTHER] }, 'Half', held.promise] },
      { text: [' of it.'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'first' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'So. Half of it.' });
    held.resolve();
    const told = words(calls[2]);
    expect(told.slice(0, 5)).toEqual(['first', ...FOUND, 'call current_time', 'result']);
    expect(told.join(' ')).toMatch(/search was run with .*moon.* and gave: .*example\.org\/moon/s);
    expect(stack.takeComplaints()).toEqual([]);
  });
});

describeBeside('files of the model', () => {
  const stack = givenProvider(google, {}, agent);
  const small = Buffer.alloc(2000, 1).toString('base64');
  const large = Buffer.alloc(300_000, 1).toString('base64');

  it('are events and entries, and come back to it; one that is too large is named, and the turn goes on', async () => {
    const calls = stack.script([
      { text: ['Here: ', { makes: 'image/png', data: small }], calls: [clock] },
      { text: [{ makes: 'image/png', data: large }], calls: [clock] },
      { text: ['Done.'] },
    ]);
    const client = await stack.connect(stack.newSession());
    client.send({ type: 'message', content: 'draw' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'Here: Done.' });
    expect(framesOf(client, 'file')).toMatchObject([
      { media_type: 'image/png', bytes: 2000, data: small },
      { media_type: 'image/png', bytes: 300_000, omitted: 'too_large' },
    ]);
    const step = ['call current_time', 'result'];
    expect(words(calls[1])).toEqual(['draw', 'Here: ', 'image', ...step]);
    expect(words(calls[2]).slice(0, 5)).toEqual(['draw', 'Here: ', 'image', ...step]);
    expect(words(calls[2])).toContain('call current_time');
    expect(stack.takeComplaints()).toEqual([]);
  });
});
